#include "suite.h"

#include "config/pattern.h"

static void patterns_are_replaced(void **state)
{
    (void)state;
    static const struct {
        const char *text, *from, *expected;
    } cases[] = {
        {"%U@%H", "", "me@web1"},
        {"%U-%U", "", "me-me"},
        {"x.%C", "", "x.web1.example"},
        {"%M", "", "mail.example"},
        {"%F", "a@b", "a@b"},
        {"%F", "", "%F"},
        {"%", "", "%"},
        {"%%U", "", "%me"},
        {"%u%x", "", "%u%x"},
        {"%F", "a\nb\177", "a?b?"},
        {"plain@x", "", "plain@x"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct pattern_facts facts = {"me", "web1", "web1.example", "mail.example",
                                            cases[i].from};
        struct str out = {0};
        pattern_expand(cases[i].text, &facts, &out);
        assert_string_equal(str_text(&out), cases[i].expected);
        str_clear(&out);
    }
}

static void the_caller_has_a_name(void **state)
{
    (void)state;
    struct str user = {0};
    (void)setenv("USER", "", 1);
    (void)setenv("LOGNAME", "logname", 1);
    pattern_user(&user);
    assert_string_equal(str_text(&user), "logname");
    str_truncate(&user, 0);
    (void)setenv("USER", "user", 1);
    pattern_user(&user);
    assert_string_equal(str_text(&user), "user");
    str_clear(&user);
}

static void accounts_are_expanded(void **state)
{
    (void)state;
    static const struct {
        const char *from, *domain, *auto_from, *maildomain, *got_from, *got_domain;
    } cases[] = {
        {"%U@x", "%H", "off", "", "me@x", "h"},
        {"a@x", "localhost", "on", "y", "me@y", "localhost"},
        {"a@x", "localhost", "on", "", "me", "localhost"},
        {"a@x", "d", "off", "y", "a@x", "d"},
    };
    (void)setenv("USER", "me", 1);
    (void)unsetenv("HOSTNAME");
    char name[] = "h", none[] = "";
    const struct this_host host = {.name = name, .full_name = none, .mail_name = name};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct account *a = account_new_msmtp("a", SCOPE_USER);
        struct error err;
        assert_true(account_set(a, "from", cases[i].from, "", &err));
        assert_true(account_set(a, "domain", cases[i].domain, "", &err));
        assert_true(account_set(a, "auto_from", cases[i].auto_from, "", &err));
        assert_true(account_set(a, "maildomain", cases[i].maildomain, "", &err));
        pattern_apply(a, &host, "");
        assert_string_equal(a->from, cases[i].got_from);
        assert_string_equal(a->domain, cases[i].got_domain);
        account_free(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_are_replaced),
        cmocka_unit_test(the_caller_has_a_name),
        cmocka_unit_test(accounts_are_expanded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
