#include "suite.h"

#include "base/str.h"
#include "net/srv.h"

#include "dnspacket.h"

struct answer {
    const char *host; /* labels with their lengths in front; NULL ends */
    unsigned priority, weight, port, type;
};

static void make(struct str *out, const struct answer *record, unsigned n)
{
    dnspacket_begin(out, "\14_submissions\4_tcp\1x\3org", 0, 33, n);
    for (unsigned i = 0; i < n; i++) {
        dnspacket_add_record(out, record[i].type, 6 + strlen(record[i].host) + 1);
        dnspacket_add_16(out, record[i].priority);
        dnspacket_add_16(out, record[i].weight);
        dnspacket_add_16(out, record[i].port);
        str_add_n(out, record[i].host, strlen(record[i].host) + 1);
    }
}

static const struct {
    const char *name;
    struct answer record[3];
    unsigned n;
    const char *host; /* NULL: nothing is found */
    unsigned port;
} cases[] = {
    {"one", {{"\4smtp\1x\3org", 0, 1, 465, 33}}, 1, "smtp.x.org", 465},
    {"none", {{"", 0, 0, 0, 33}}, 0, NULL, 0},
    {"the lowest priority",
     {{"\1a", 10, 9, 1, 33}, {"\1b", 5, 0, 2, 33}, {"\1c", 7, 9, 3, 33}},
     3,
     "b",
     2},
    {"then the highest weight",
     {{"\1a", 5, 1, 1, 33}, {"\1b", 5, 8, 2, 33}, {"\1c", 5, 3, 3, 33}},
     3,
     "b",
     2},
    {"not offered", {{"", 0, 0, 0, 33}}, 1, "", 0},
    {"another type", {{"\1a", 0, 0, 1, 16}}, 1, NULL, 0},
    {"no host name", {{"\3a;b", 0, 0, 1, 33}}, 1, NULL, 0},
    {"a line end", {{"\3a\nb", 0, 0, 1, 33}}, 1, NULL, 0},
};

static void the_best_record_is_chosen(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str answer = {0};
        struct srv_record record = {.port = 0};
        print_message("# %s\n", cases[i].name);
        make(&answer, cases[i].record, cases[i].n);
        bool found = srv_choose((const unsigned char *)answer.data, answer.len, &record);
        assert_int_equal(found, cases[i].host != NULL);
        if (found) {
            assert_string_equal(record.host, cases[i].host);
            assert_int_equal(record.port, cases[i].port);
        }
        /* Cut anywhere, it is nothing, and nothing is read that is not there. */
        for (size_t len = 0; cases[i].n > 0 && len < answer.len; len++) {
            struct str cut = {0};
            str_add_n(&cut, answer.data, len);
            assert_false(srv_choose((const unsigned char *)str_text(&cut), len, &record));
            str_clear(&cut);
        }
        str_clear(&answer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_best_record_is_chosen)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
