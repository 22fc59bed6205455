#include "suite.h"

#include <unistd.h>

#include "base/base64.h"
#include "base/escape.h"
#include "base/str.h"
#include "message/address.h"

/* Lists come out as "display|mailbox" with "; " between. */
static char *read_list(const char *text, size_t len)
{
    struct address_list list = {0};
    struct str out = {0};
    address_list_parse(&list, text, len);
    for (size_t i = 0; i < list.n; i++)
        str_addf(&out, "%s%s|%s", i ? "; " : "", list.item[i].display, list.item[i].mailbox);
    address_list_clear(&list);
    return str_take(&out);
}

static void lists_are_read_as_callers_write_them(void **state)
{
    (void)state;
    static const struct {
        const char *name, *input, *list;
    } cases[] = {
        {"nothing", "", ""},
        {"blanks", " \t\n ", ""},
        {"bare", "root", "|root"},
        {"plain", "a@b", "|a@b"},
        {"two", "a@b, c@d", "|a@b; |c@d"},
        {"commas only", ",, ,a@b,,", "|a@b"},
        {"semicolon", "a@b; c@d", "|a@b; |c@d"},
        {"angle", "Joe <a@b>", "Joe|a@b"},
        {"angle alone", "<a@b>", "|a@b"},
        {"blanks in angle", "< a@b >", "|a@b"},
        {"null", "<>", "|"},
        {"blank null", "< >", "|"},
        {"quoted name", "\"Doe, Joe\" <a@b>", "Doe, Joe|a@b"},
        {"quote in name", "\"Joe \\\"J\\\" Doe\" <a@b>", "Joe \"J\" Doe|a@b"},
        {"dot in name", "J. Doe <a@b>", "J. Doe|a@b"},
        {"address as name", "a@b <c@d>", "a@b|c@d"},
        {"cron", "root (Cron Daemon)", "Cron Daemon|root"},
        {"anacron", "Anacron <root>", "Anacron|root"},
        {"mdadm", "mdadm monitoring <root>", "mdadm monitoring|root"},
        {"comment before", "(x) a@b", "x|a@b"},
        {"comment nested", "a@b (x (y) z)", "x (y) z|a@b"},
        {"comment with paren", "a@b (x \\) y)", "x ) y|a@b"},
        {"comment with comma", "a@b (x, y), c@d", "x, y|a@b; |c@d"},
        {"comment in angle", "X <a@b(c)>", "X|a@b"},
        {"name beats comment", "Joe (x) <a@b>", "Joe|a@b"},
        {"comment splits name", "Joe(x)Doe <a@b>", "Joe Doe|a@b"},
        {"empty comment", "a@b ()", "|a@b"},
        {"rfc 822 example", "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
         "Pete|pete@silly.test"},
        {"group", "A Group:Joe <a@b>,c@d;", "Joe|a@b; |c@d"},
        {"group with comment", "A Group(x):a@b;", "|a@b"},
        {"empty group", "Undisclosed recipients:;", ""},
        {"empty quoted group", "\"a@b\":;", ""},
        {"group and more", "x:a@b;, c@d", "|a@b; |c@d"},
        {"group without end", "x: a@b, c@d", "|a@b; |c@d"},
        {"mailto", "mailto:a@b", "|a@b"},
        {"quoted local", "\"a b\"@c", "|\"a b\"@c"},
        {"quoted at", "\"a@b\"@c", "|\"a@b\"@c"},
        {"quoted angle", "\"a>b\"@c", "|\"a>b\"@c"},
        {"needless quotes", "\"ab\"@c", "|ab@c"},
        {"half quoted", "\"a b\".d@c", "|\"a b.d\"@c"},
        {"quoted dots", "\"a..b\"@c", "|\"a..b\"@c"},
        {"quoted quote", "\"a\\\"b\"@c", "|\"a\\\"b\"@c"},
        {"quoted backslash", "\"a\\\\b\"@c", "|\"a\\\\b\"@c"},
        {"quoted nothing", "\"\"@c", "|\"\"@c"},
        {"backslash at", "a\\@b@c", "|\"a@b\"@c"},
        {"quoted domain", "a@\"b> c\"", "|a@b__c"},
        {"quoted in angle", "X <\"a b\"@c>", "X|\"a b\"@c"},
        {"route", "<@a,@b:c@d>", "|c@d"},
        {"route with name", "X <@a:c@d>", "X|c@d"},
        {"route without angle", "@a,@b:c@d", "|c@d"},
        {"no route", "@a, b@c, x:d@e;", "|@a; |b@c; |d@e"},
        {"folded", "a@b,\n c@d", "|a@b; |c@d"},
        {"folded inside", "Joe\n\tDoe <a@b>", "Joe Doe|a@b"},
        {"crlf fold", "a@b,\r\n c@d", "|a@b; |c@d"},
        {"injected line", "a@b\nBcc: c@d", "|a@b"},
        {"injected behind crlf", "a@b\r\nc@d", "|a@b"},
        {"injected in quotes", "\"a\nBcc: x@y\" <c@d>", "|a"},
        {"carriage return", "a@b\rc@d", "|a@b_c@d"},
        {"control", "a\x01@b", "|a_@b"},
        {"blank inside", "foo bar", "|foo_bar"},
        {"blank inside domain", "a@b c", "|a@b_c"},
        {"blanks around at", "a @ b . c", "|a@b.c"},
        {"blanks in angle address", "<a b@c>", "|a_b@c"},
        {"no comma between angles", "A <a@b> <c@d>", "A|a@b; |c@d"},
        {"angle not closed", "A <a@b, c@d", "A|a@b; |c@d"},
        {"angle not closed, angle", "<a@b <c@d>", "|a@b; |c@d"},
        {"double angle", "<<a@b>>", "|a@b"},
        {"angle not opened", "a@b>, c@d", "|a@b; |c@d"},
        {"quote not closed", "\"Joe <a@b>, c@d", "Joe|a@b; |c@d"},
        {"comment not closed", "a@b (x, c@d", "x|a@b; |c@d"},
        {"comment not closed, then one", "a@b (x, c@d (y)", "x|a@b; y|c@d"},
        {"comment not opened", "a@b), c@d", "|a@b; |c@d"},
        {"backslash at the end", "a@b\\", "|a@b"},
        {"literal", "a@[192.0.2.1]", "|a@[192.0.2.1]"},
        {"IPv6 literal", "a@[IPv6:2001:db8::1], c@d", "|a@[IPv6:2001:db8::1]; |c@d"},
        {"literal not closed", "a@[192.0.2.1, c@d", "|a@[192.0.2.1; |c@d"},
        {"two at", "a@b@c", "|a@b@c"},
        {"eight bits", "J\xc3\xbc <j\xc3\xbc@b>", "J\xc3\xbc|j\xc3\xbc@b"},
        {"plus, bang, percent", "a+b!c%d@e", "|a+b!c%d@e"},
        {"encoded word", "=?utf-8?q?J=C3=BC?= <a@b>", "=?utf-8?q?J=C3=BC?=|a@b"},
        {"trailing words", "<a@b> thanks", "|a@b"},
        {"VERP", "bounces+a=b.c@d", "|bounces+a=b.c@d"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *list = read_list(cases[i].input, strlen(cases[i].input));
        if (strcmp(list, cases[i].list) != 0)
            fail_msg("%s: '%s', not '%s'", cases[i].name, list, cases[i].list);
        free(list);
    }
    char *list = read_list("a\0b@c", 5);
    assert_string_equal(list, "|a_b@c");
    free(list);
}

static void a_megabyte_of_nonsense_is_read_in_linear_time(void **state)
{
    (void)state;
    enum { SIZE = 1000000 };
    static const char *const patterns[] = {"(", "(,", "\"", "\"\\", "<", "[", "@a,", "((,)", ":"};
    char *text = malloc(SIZE);
    assert_non_null(text);
    for (size_t k = 0; k < sizeof patterns / sizeof *patterns; k++) {
        size_t len = strlen(patterns[k]);
        for (size_t i = 0; i < SIZE; i++)
            text[i] = patterns[k][i % len];
        struct address_list list = {0};
        address_list_parse(&list, text, SIZE); /* the square of it would take minutes */
        for (size_t i = 0; i < list.n; i++)
            assert_false(escape_has_control(list.item[i].mailbox));
        address_list_clear(&list);
    }
    free(text);
}

static void mailboxes_are_taken_apart_and_compared(void **state)
{
    (void)state;
    assert_string_equal(address_domain("a@b"), "b");
    assert_string_equal(address_domain("a"), "");
    assert_string_equal(address_domain(""), "");
    assert_string_equal(address_domain("\"a@x\"@b"), "b");
    assert_string_equal(address_domain("\"a@x\""), "");
    assert_string_equal(address_domain("\"a@b"), "b");
    assert_int_equal(address_local_length("\"a@x\"@b"), 5);
    static const struct {
        const char *a, *b;
        bool fold, equal;
    } cases[] = {
        {"a@b", "a@B", false, true},  {"a@b", "A@b", false, false}, {"a@b", "A@B", true, true},
        {"a", "a", false, true},      {"a@b", "a", true, false},    {"", "", false, true},
        {"a@b", "a@bc", true, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(address_equal(cases[i].a, cases[i].b, cases[i].fold), cases[i].equal);
}

static void names_are_made_fit_for_a_header(void **state)
{
    (void)state;
    static const struct {
        const char *name, *mailbox, *text;
    } cases[] = {
        {"", "a@b", "a@b"},
        {"Joe Doe", "a@b", "Joe Doe <a@b>"},
        {"J. Doe", "a@b", "\"J. Doe\" <a@b>"},
        {"Doe, Joe", "a@b", "\"Doe, Joe\" <a@b>"},
        {"x \"y\" \\", "a@b", "\"x \\\"y\\\" \\\\\" <a@b>"},
        {" x", "a@b", "\" x\" <a@b>"},
        {"x\r\nBcc: y", "a@b", "\"x  Bcc: y\" <a@b>"},
        {"J\xc3\xbcrgen", "a@b", "=?utf-8?B?SsO8cmdlbg==?= <a@b>"},
        {"J\xfcrgen", "a@b", "=?utf-8?B?SsO8cmdlbg==?= <a@b>"},
        {"=?utf-8?q?x?=", "a@b", "=?utf-8?q?x?= <a@b>"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str out = {0};
        address_format(&out, cases[i].name, cases[i].mailbox);
        assert_string_equal(str_text(&out), cases[i].text);
        str_clear(&out);
    }
}

static void encoded_words_are_short_and_whole(void **state)
{
    (void)state;
    struct str text = {0}, out = {0};
    for (int i = 0; i < 60; i++)
        str_add(&text, "\xe9\x82\xae");
    address_encode_text(&out, str_text(&text));
    size_t tokens = 0;
    for (const char *p = out.data; *p; p += strcspn(p, "\n"), p += strspn(p, "\n "), tokens++) {
        struct str back = {0};
        assert_in_range(strcspn(p, "\n"), 13, 75);
        assert_true(base64_decode(&back, p + 10, strcspn(p, "\n") - 12));
        assert_true(escape_is_utf8(back.data, back.len));
        str_clear(&back);
    }
    assert_int_equal(tokens, 4);
    str_clear(&out);
    address_encode_text(&out, "plain\ntext");
    assert_string_equal(str_text(&out), "plain text");
    str_clear(&out);
    str_clear(&text);
}

static void lists_are_folded(void **state)
{
    (void)state;
    struct address_list list = {0};
    struct str out = {0}, text = {0};
    for (int i = 0; i < 20; i++)
        str_addf(&text, "user%d@example.com,", i);
    address_list_parse(&list, text.data, text.len);
    address_list_format(&out, &list);
    for (const char *p = out.data; p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL)
        assert_in_range(strcspn(p, "\n"), 1, 78);
    assert_non_null(strstr(out.data, "user0@example.com, user1@example.com"));
    assert_non_null(strstr(out.data, ",\n user"));
    address_list_clear(&list);
    str_clear(&out);
    str_add(&text, "<>"); /* behind a fold it would be a line of blanks */
    address_list_parse(&list, text.data, text.len);
    assert_string_equal(list.item[20].mailbox, "");
    address_list_format(&out, &list);
    assert_string_equal(strrchr(out.data, ','), ", user19@example.com");
    address_list_clear(&list);
    str_clear(&text);
    str_clear(&out);
}

static void domains_become_a_labels(void **state)
{
    (void)state;
    static const struct {
        const char *mailbox, *label; /* NULL: it can't be */
    } cases[] = {
        {"a@b", "a@b"},
        {"a@b_c", "a@b_c"},
        {"root", "root"},
        {"a@b\xc3\xbc"
         "cher.example",
         "a@xn--bcher-kva.example"},
        {"j\xc3\xbc@b\xc3\xbc"
         "cher.example",
         "j\xc3\xbc@xn--bcher-kva.example"},
        {"a@\xfc", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str out = {0};
        assert_int_equal(address_to_alabel(&out, cases[i].mailbox), cases[i].label != NULL);
        assert_string_equal(str_text(&out), cases[i].label ? cases[i].label : "");
        str_clear(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_read_as_callers_write_them),
        cmocka_unit_test(a_megabyte_of_nonsense_is_read_in_linear_time),
        cmocka_unit_test(mailboxes_are_taken_apart_and_compared),
        cmocka_unit_test(names_are_made_fit_for_a_header),
        cmocka_unit_test(encoded_words_are_short_and_whole),
        cmocka_unit_test(lists_are_folded),
        cmocka_unit_test(domains_become_a_labels),
    };
    return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
