#include "suite.h"

#include "base/memory.h"
#include "base/str.h"
#include "queue/checksum.h"
#include "queue/entry.h"
#include "queue/entryid.h"
#include "queue/tokenizer.h"

static void checksum_is_xxh64(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t sum;
    } cases[] = {
        {"", 0xef46db3751d8e999},
        {"a", 0xd24ec4f1a98c6e5b},
        {"abc", 0x44bc2cf5ad770999},
        {"The quick brown fox jumps over the lazy dog", 0x0b242d361fda71bc},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_true(checksum_of(cases[i].text, strlen(cases[i].text), 0) == cases[i].sum);
}

static void checksum_does_not_care_about_pieces(void **state)
{
    (void)state;
    char text[300];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)(i * 7);
    for (size_t step = 1; step < 70; step++) {
        struct checksum sum;
        checksum_begin(&sum, 5);
        for (size_t at = 0; at < sizeof text; at += step)
            checksum_add(&sum, text + at, sizeof text - at < step ? sizeof text - at : step);
        assert_true(checksum_end(&sum) == checksum_of(text, sizeof text, 5));
    }
}

static void ids_sort_by_arrival(void **state)
{
    (void)state;
    static const int64_t moments[] = {
        0, 1, 61, 62, 1000000, 1763884800000000, 1763884800000001, 13537086546263551};
    char id[ENTRYID_SIZE], before[ENTRYID_SIZE] = "";
    for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
        entryid_make(id, moments[i], ~(uint64_t)i * 0x9e3779b97f4a7c15);
        assert_true(entryid_valid(id));
        assert_int_equal(entryid_arrival(id), moments[i]);
        assert_true(strcmp(before, id) < 0);
        memcpy(before, id, sizeof id);
    }
    entryid_make(id, -5, 0);
    assert_int_equal(entryid_arrival(id), 0);
    entryid_make(id, INT64_MAX, 0);
    assert_int_equal(entryid_arrival(id), moments[7]);
}

static void bounces_have_ids_of_their_own(void **state)
{
    (void)state;
    char id[ENTRYID_SIZE], one[ENTRYID_SIZE], two[ENTRYID_SIZE];
    entryid_make(id, 1763884800000000, 42);
    assert_true(entryid_derive(one, id, 1));
    assert_int_equal(entryid_number(one), 1);
    assert_int_equal(entryid_number(id), 0);
    assert_true(entryid_derive(two, id, ENTRYID_DERIVED_MAX));
    assert_true(strcmp(id, one) < 0 && strcmp(one, two) < 0);
    assert_int_equal(entryid_arrival(two), entryid_arrival(id));
    assert_false(entryid_derive(two, id, 0));
    assert_false(entryid_derive(two, id, ENTRYID_DERIVED_MAX + 1));
    assert_false(entryid_derive(two, one, 1)); /* no bounce of a bounce */
    assert_false(entryid_derive(two, "x", 1));
}

static void only_ids_are_ids(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "a",
                                      "..",
                                      "0123456789abcd",
                                      "0123456789abcdef",
                                      "0123456789abcd/",
                                      "0123456789abcd.",
                                      "äbcdefghijklmn"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(entryid_valid(bad[i]));
    assert_true(entryid_valid("0123456789abcde"));
}

static void words_carry_any_text(void **state)
{
    (void)state;
    static const struct {
        const char *text, *coded;
    } cases[] = {{"", "-"},
                 {"-", "%2D"},
                 {"a b", "a%20b"},
                 {"100%", "100%25"},
                 {"a\r\nrcpt x", "a%0D%0Arcpt%20x"},
                 {"\x7f\x01", "%7F%01"},
                 {"j\xc3\xb6rg", "j\xc3\xb6rg"},
                 {"--", "--"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str out = {0};
        tokenizer_add(&out, cases[i].text);
        assert_string_equal(out.data, cases[i].coded);
        struct tokenizer tokens = {out.data, out.data + out.len};
        char *back = tokenizer_next(&tokens);
        assert_string_equal(back, cases[i].text);
        assert_true(tokenizer_end(&tokens));
        free(back);
        str_clear(&out);
    }
    static const struct {
        const char *text, *first; /* the token in front of what is wrong; NULL: none */
    } bad[] = {{"", NULL},    {" a", NULL},  {"%", NULL},    {"%4", NULL},  {"%zz", NULL},
               {"%00", NULL}, {"%2d", NULL}, {"a\tb", NULL}, {"a  b", "a"}, {"a ", NULL}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct tokenizer tokens = {bad[i].text, bad[i].text + strlen(bad[i].text)};
        char *first = tokenizer_next(&tokens);
        print_message("# '%s'\n", bad[i].text);
        assert_int_equal(first != NULL, bad[i].first != NULL);
        if (first)
            assert_string_equal(first, bad[i].first);
        assert_null(first ? tokenizer_next(&tokens) : NULL);
        free(first);
    }
}

static void account_names_become_file_names(void **state)
{
    (void)state;
    static const struct {
        const char *name, *file;
    } cases[] = {{"work", "work"}, {"../x", "%2E%2E%2Fx"}, {"a b", "a%20b"}};
    struct str out = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        str_truncate(&out, 0);
        tokenizer_add_name(&out, cases[i].name);
        assert_string_equal(out.data, cases[i].file);
    }
    char longer[500];
    memset(longer, 'x', sizeof longer);
    longer[499] = '\0';
    str_truncate(&out, 0);
    tokenizer_add_name(&out, longer);
    assert_int_equal(out.len, 17);
    str_clear(&out);
}

static void numbers_are_read_strictly(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "-1", "+1", "1x", "18446744073709551616", "101"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct tokenizer tokens = {bad[i], bad[i] + strlen(bad[i])};
        uint64_t n;
        assert_false(tokenizer_decimal(&tokens, 100, &n));
    }
    uint64_t n;
    struct tokenizer tokens = {"ff 007", (const char *)0};
    tokens.end = tokens.at + 6;
    assert_true(tokenizer_hex(&tokens, &n));
    assert_int_equal(n, 255);
    assert_true(tokenizer_decimal(&tokens, 7, &n));
    assert_int_equal(n, 7);
}

static void fill(struct entry *entry, int rcpts)
{
    *entry = (struct entry){.account = memory_copy("my work"),
                            .from = memory_copy("\"a b\"@web1"),
                            .has_uid = true,
                            .uid = 4294967295};
    envelope_set_sender(&entry->envelope, "evil\r\nrcpt x@y");
    entry->envelope.envid = memory_copy("QQ 1");
    entry->envelope.dsn_return = DSN_RETURN_HEADERS;
    entry->envelope.body_8bit_wish = true;
    memcpy(entry->bounce_of, "0123456789abcde", ENTRYID_SIZE);
    for (int i = 0; i < rcpts; i++) {
        struct str address = {0};
        str_addf(&address, "r%d@example.com", i);
        struct recipient *rcpt = envelope_add(&entry->envelope, address.data);
        rcpt->notify = i == 0 ? DSN_FAILURE | DSN_DELAY : 0;
        rcpt->orcpt = i == 2 ? memory_copy("rfc822;old+2B@example.net") : NULL;
        str_clear(&address);
    }
}

static void a_head_comes_back_as_it_was(void **state)
{
    (void)state;
    struct error err;
    struct entry entry, back = {0};
    struct str head = {0};
    size_t length = 0;
    fill(&entry, 3);
    assert_true(entry_encode_head(&head, &entry, &err));
    assert_int_equal(entry_head_length(head.data, ENTRY_FIRST_LINE, &length, &err), ENTRY_GOOD);
    assert_int_equal(length, head.len);
    assert_int_equal(entry_decode_head(&back, head.data, head.len, &err), ENTRY_GOOD);
    assert_string_equal(back.account, entry.account);
    assert_string_equal(back.from, entry.from);
    assert_string_equal(back.envelope.sender, entry.envelope.sender);
    assert_string_equal(back.envelope.envid, "QQ 1");
    assert_int_equal(back.envelope.dsn_return, DSN_RETURN_HEADERS);
    assert_true(back.envelope.body_8bit_wish && back.has_uid);
    assert_int_equal(back.uid, entry.uid);
    assert_string_equal(back.bounce_of, entry.bounce_of);
    assert_int_equal(back.envelope.n, 3);
    assert_string_equal(back.envelope.rcpt[2].address, "r2@example.com");
    assert_int_equal(back.offset, head.len);
    assert_int_equal(back.envelope.rcpt[0].notify, DSN_FAILURE | DSN_DELAY);
    assert_null(back.envelope.rcpt[0].orcpt);
    assert_int_equal(back.envelope.rcpt[2].notify, 0);
    assert_string_equal(back.envelope.rcpt[2].orcpt, "rfc822;old+2B@example.net");
    assert_non_null(strstr(head.data, "\nrcpt r0@example.com 12\nrcpt r1@example.com\n"
                                      "rcpt r2@example.com 0 rfc822;old+2B@example.net\n"));
    struct entry copy = {0};
    entry_copy(&copy, &back);
    entry_clear(&back);
    assert_string_equal(copy.envelope.rcpt[1].address, "r1@example.com");
    assert_string_equal(copy.envelope.rcpt[2].orcpt, "rfc822;old+2B@example.net");
    entry_clear(&copy);
    entry_clear(&entry);
    entry_clear(&entry);
    str_clear(&head);
}

/* The first version is read for ever: this text must never change. */
static void version_1_is_read_for_ever(void **state)
{
    (void)state;
    static const char head[] = "onehop-entry 1 00000060\n"
                               "account work\n"
                               "sender -\n"
                               "notify 6\n"
                               "uid 33\n"
                               "rcpt a@example.org\n"
                               "from -\n"
                               "content\n";
    static const char mark[] = "onehop-end 0000000000000005 10 00000000000000ff\n";
    struct entry entry = {0};
    struct error err;
    struct entry_end end = {0x60 + 5 + 48, mark, 48, 0};
    assert_int_equal(sizeof head - 1, 0x60);
    assert_int_equal(entry_decode_head(&entry, head, sizeof head - 1, &err), ENTRY_GOOD);
    assert_string_equal(entry.envelope.sender, "");
    assert_int_equal(entry.envelope.rcpt[0].notify, 6);
    assert_int_equal(entry_decode_end(&entry, &end, &err), ENTRY_GOOD);
    assert_int_equal(end.checksum, 255);
    assert_int_equal(entry.size, 5);
    assert_true(entry.has_8bit && !entry.has_8bit_header);
    char again[ENTRY_END_MARK];
    entry_encode_end(again, &entry, 255);
    assert_memory_equal(again, mark, ENTRY_END_MARK);
    struct entry_end wrong[] = {
        {0x60 + 6 + 48, mark, 48, 0}, {0x60 + 5 + 48, mark, 47, 0}, {3, mark, 48, 0}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(entry_decode_end(&entry, &wrong[i], &err), ENTRY_DAMAGED);
    entry_clear(&entry);
}

/* Files as version 0.1 wrote them; they must never change. */
static void entries_of_old_versions_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *name, *meaning;
    } cases[] = {
        {"1-plain", "work <me@example.com> a@example.org:0 return=0 envid= 8bit=0 size=130"},
        {"1-dsn", "work <me@example.com> a@example.org:10 b@example.net:10 return=2 envid=QQ 1 "
                  "8bit=0 size=130"},
        {"1-never", "work <> a@example.org:1 return=1 envid= 8bit=0 size=130"},
        {"1-8bit", "work <me@example.com> a@example.org:0 j\xc3\xb6rg@example.org:0 "
                   "\"a b\"@example.org:0 return=0 envid= 8bit=1 size=176"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[4096], data[1024];
        struct entry entry = {0};
        struct error err;
        struct str meaning = {0};
        size_t head = 0;
        (void)snprintf(path, sizeof path, "%s/unit/entries/%s", getenv("srcdir"), cases[i].name);
        FILE *file = fopen(path, "rb");
        assert_non_null(file);
        size_t len = fread(data, 1, sizeof data, file);
        (void)fclose(file);
        assert_int_equal(entry_head_length(data, ENTRY_FIRST_LINE, &head, &err), ENTRY_GOOD);
        assert_int_equal(entry_decode_head(&entry, data, head, &err), ENTRY_GOOD);
        struct entry_end end = {len, data + len - ENTRY_END_MARK, ENTRY_END_MARK, 0};
        assert_int_equal(entry_decode_end(&entry, &end, &err), ENTRY_GOOD);
        assert_true(end.checksum == checksum_of(data, len - ENTRY_END_MARK, 0));
        str_addf(&meaning, "%s <%s>", entry.account, entry.envelope.sender);
        for (size_t k = 0; k < entry.envelope.n; k++)
            str_addf(&meaning, " %s:%u", entry.envelope.rcpt[k].address,
                     entry.envelope.rcpt[k].notify);
        str_addf(&meaning, " return=%d envid=%s 8bit=%d size=%d", (int)entry.envelope.dsn_return,
                 entry.envelope.envid ? entry.envelope.envid : "", entry.has_8bit, (int)entry.size);
        assert_string_equal(str_text(&meaning), cases[i].meaning);
        str_clear(&meaning);
        entry_clear(&entry);
    }
}

static void damage_and_newer_versions_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        enum entry_state state;
    } cases[] = {
        {"onehop-entry 1 00000061\n", ENTRY_GOOD},
        {"onehop-entry 2 00000061\n", ENTRY_GOOD},
        {"onehop-entry 3 00000061\n", ENTRY_NEWER},
        {"onehop-entry 17 anything", ENTRY_NEWER},
        {"onehop-entry 0 00000061\n", ENTRY_DAMAGED},
        {"onehop-entry x 00000061\n", ENTRY_DAMAGED},
        {"onehop-entry 1 0000006g\n", ENTRY_DAMAGED},
        {"onehop-entry 1 ffffffff\n", ENTRY_DAMAGED},
        {"onehop-entry 1 00000001\n", ENTRY_DAMAGED},
        {"onehop-entry 1 00000061 ", ENTRY_DAMAGED},
        {"Subject: hello, world 61\n", ENTRY_DAMAGED},
        {"onehop-entry 1", ENTRY_DAMAGED},
        {"", ENTRY_DAMAGED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err = {0};
        size_t length;
        size_t len = strlen(cases[i].line);
        assert_int_equal(entry_head_length(cases[i].line, len > 24 ? 24 : len, &length, &err),
                         cases[i].state);
        assert_true((cases[i].state == ENTRY_GOOD) == (err.text[0] == '\0'));
    }
}

static void heads_that_make_no_sense_are_damaged(void **state)
{
    (void)state;
    static const char *const lines[] = {"account a\n",
                                        "account a\nsender b\n",
                                        "account a\nrcpt c\n",
                                        "sender b\nrcpt c\n",
                                        "account a\naccount a\nsender b\nrcpt c\n",
                                        "account a\nsender b\nrcpt c\nnonsense 1\n",
                                        "account a\nsender b\nrcpt c d\n",
                                        "account a\nsender b\nrcpt c\nnotify 16\n",
                                        "account a\nsender b\nrcpt c 16\n",
                                        "account a\nsender b\nrcpt c 1 -\n",
                                        "account a\nsender b\nrcpt c 1 rfc822;d e\n",
                                        "account a\nsender b\nrcpt c\nbounce short\n",
                                        "account a\nsender b\nrcpt c\n\n",
                                        "account a\nsender b\nrcpt c\nuid -1\n",
                                        "account a\nsender b\nrcpt c"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct str head = {0};
        struct entry entry = {0};
        struct error err;
        str_addf(&head, "onehop-entry 1 %08zx\n%scontent\n", 24 + strlen(lines[i]) + 8, lines[i]);
        assert_int_equal(entry_decode_head(&entry, head.data, head.len, &err), ENTRY_DAMAGED);
        entry_clear(&entry);
        str_clear(&head);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checksum_is_xxh64),
        cmocka_unit_test(checksum_does_not_care_about_pieces),
        cmocka_unit_test(ids_sort_by_arrival),
        cmocka_unit_test(bounces_have_ids_of_their_own),
        cmocka_unit_test(only_ids_are_ids),
        cmocka_unit_test(words_carry_any_text),
        cmocka_unit_test(account_names_become_file_names),
        cmocka_unit_test(numbers_are_read_strictly),
        cmocka_unit_test(a_head_comes_back_as_it_was),
        cmocka_unit_test(version_1_is_read_for_ever),
        cmocka_unit_test(entries_of_old_versions_are_read),
        cmocka_unit_test(damage_and_newer_versions_are_told_apart),
        cmocka_unit_test(heads_that_make_no_sense_are_damaged),
    };
    return cmocka_run_group_tests_name("entry", tests, NULL, NULL);
}
