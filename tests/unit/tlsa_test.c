#include "suite.h"

#include "base/str.h"
#include "net/tlsa.h"

#include "dnspacket.h"

enum { AD = DNSPACKET_AUTHENTIC };

#define NAME "\3_25\4_tcp\1x\3org"
#define SHA256 "0123456789abcdef0123456789ABCDEF"
#define SHA512 SHA256 SHA256

struct record {
    unsigned type, usage, selector, matching;
    const char *data; /* NULL ends */
};

struct row {
    const char *name;
    unsigned flags; /* the fourth octet of the header */
    int cut;        /* octets missing at the end */
    struct record record[4];
    size_t n; /* that can be used; 0: it is refused */
    const char *text;
};

static const struct row rows[] = {
    {"all kinds",
     AD,
     0,
     {{52, 3, 1, 1, SHA256}, {52, 2, 0, 2, SHA512}, {52, 3, 0, 0, "der"}},
     3,
     ""},
    {"not proven",
     0,
     0,
     {{52, 3, 1, 1, SHA256}},
     0,
     "DNSSEC does not prove the TLSA records of _25"},
    {"none", AD, 0, {{0}}, 0, "no TLSA record that mail can use"},
    {"another type", AD, 0, {{16, 3, 1, 1, SHA256}}, 0, "no TLSA record that mail can use"},
    {"PKIX-TA and PKIX-EE", AD, 0, {{52, 0, 1, 1, SHA256}, {52, 1, 1, 1, SHA256}}, 0, "can use"},
    {"unknown numbers",
     AD,
     0,
     {{52, 4, 1, 1, SHA256}, {52, 3, 2, 1, SHA256}, {52, 3, 1, 3, SHA256}},
     0,
     "can use"},
    {"wrong lengths",
     AD,
     0,
     {{52, 3, 1, 1, SHA512}, {52, 3, 1, 2, SHA256}, {52, 3, 1, 0, ""}},
     0,
     "can use"},
    {"one of several", AD, 0, {{52, 1, 1, 1, SHA256}, {52, 3, 1, 1, SHA256}}, 1, ""},
    {"cut", AD, 1, {{52, 3, 1, 1, SHA256}, {52, 3, 1, 1, SHA256}}, 0, "a malformed answer"},
};

static void add_record(struct str *out, const struct record *record)
{
    dnspacket_add_record(out, record->type, 3 + strlen(record->data));
    str_add_char(out, (char)record->usage);
    str_add_char(out, (char)record->selector);
    str_add_char(out, (char)record->matching);
    str_add(out, record->data);
}

static void make(struct str *out, const struct row *row)
{
    unsigned n = 0;
    while (n < 4 && row->record[n].data)
        n++;
    dnspacket_begin(out, NAME, row->flags, 52, n);
    for (unsigned i = 0; i < n; i++)
        add_record(out, &row->record[i]);
    str_truncate(out, out->len - (size_t)row->cut);
}

static void only_what_is_proven_and_usable_counts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tlsa tlsa = {.n = 9};
        struct error err = {0};
        print_message("# %s\n", rows[i].name);
        make(&tlsa.answer, &rows[i]);
        assert_int_equal(tlsa_read(&tlsa, "_25._tcp.x.org", &err), rows[i].n > 0);
        if (rows[i].n > 0) {
            assert_int_equal(tlsa.n, rows[i].n);
        } else {
            assert_non_null(strstr(err.text, rows[i].text));
            assert_int_equal(err.class, ERROR_TEMPORARY);
            assert_int_equal(err.scope, ERROR_ACCOUNT);
        }
        tlsa_clear(&tlsa);
    }
}

static void an_answer_that_was_cut_is_none(void **state)
{
    (void)state;
    struct tlsa tlsa = {.n = 0};
    struct error err = {0};
    make(&tlsa.answer, &rows[0]);
    for (size_t size = tlsa.answer.len; size > 0; size--) { /* nothing behind the end is read */
        struct tlsa cut = {.n = 0};
        str_add_n(&cut.answer, tlsa.answer.data, size - 1);
        assert_false(tlsa_read(&cut, "x", &err));
        tlsa_clear(&cut);
    }
    tlsa_clear(&tlsa);
}

static void no_more_than_there_is_room_for(void **state)
{
    (void)state;
    const struct record record = {52, 3, 1, 1, SHA256};
    struct tlsa tlsa = {.n = 0};
    struct error err = {0};
    dnspacket_begin(&tlsa.answer, NAME, AD, 52, TLSA_RECORDS_MAX + 1);
    for (size_t i = 0; i <= TLSA_RECORDS_MAX; i++)
        add_record(&tlsa.answer, &record);
    assert_true(tlsa_read(&tlsa, "x", &err));
    assert_int_equal(tlsa.n, TLSA_RECORDS_MAX);
    tlsa_clear(&tlsa);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(only_what_is_proven_and_usable_counts),
                                       cmocka_unit_test(an_answer_that_was_cut_is_none),
                                       cmocka_unit_test(no_more_than_there_is_room_for)};
    return cmocka_run_group_tests_name("tlsa", tests, NULL, NULL);
}
