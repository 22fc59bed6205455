#include "suite.h"

#include "config/identity.h"

static char name[] = "h", none[] = "";
static const struct site site = {
    .host = {.name = name, .full_name = none, .mail_name = name},
    .caller = {.user = "me", .host = "", .home = "/home/me"},
};

static const struct {
    const char *from, *domain, *auto_from, *maildomain, *header_from;
    const char *got_from, *got_domain;
} cases[] = {
    {"%U@x", "%H", "off", "", "", "me@x", "h"},
    {"%F", "localhost", "off", "", "a@b", "a@b", "localhost"},
    {"a@x", "localhost", "on", "y", "", "me@y", "localhost"},
    {"a@x", "localhost", "on", "", "", "me", "localhost"},
    {"a@x", "d", "off", "y", "", "a@x", "d"},
};

static struct account *make(const char *from)
{
    struct account *a = account_new_msmtp("a", SCOPE_USER);
    struct error err;
    assert_true(account_set(a, "host", "localhost", "", &err));
    assert_true(account_set(a, "from", from, "", &err));
    return a;
}

static void patterns_make_a_copy(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct account *a = make(cases[i].from);
        struct identity_facts facts = {
            .site = &site, .caller = &site.caller, .header_from = cases[i].header_from};
        struct identity one, other;
        struct error err;
        assert_true(account_set(a, "domain", cases[i].domain, "", &err));
        assert_true(account_set(a, "auto_from", cases[i].auto_from, "", &err));
        assert_true(account_set(a, "maildomain", cases[i].maildomain, "", &err));
        assert_true(identity_make(&one, a, &facts, &err));
        assert_string_equal(one.account->from, cases[i].got_from);
        assert_string_equal(one.account->domain, cases[i].got_domain);
        assert_string_equal(a->from, cases[i].from); /* as it was read */
        assert_string_equal(a->domain, cases[i].domain);
        facts.header_from = "c@d";
        assert_true(identity_make(&other, a, &facts, &err));
        assert_int_equal(identity_equal(&one, &other), strcmp(cases[i].from, "%F") != 0);
        identity_clear(&one);
        identity_clear(&other);
        account_free(a);
    }
}

static void without_options_and_patterns_it_is_the_account(void **state)
{
    (void)state;
    struct account *a = make("a@x");
    const struct identity_facts facts = {.site = &site, .caller = &site.caller, .header_from = ""};
    struct identity identity;
    struct error err;
    assert_true(identity_make(&identity, a, &facts, &err));
    assert_ptr_equal(identity.account, a);
    identity_clear(&identity);
    identity_clear(&identity);
    account_free(a);
}

static void options_are_of_one_call(void **state)
{
    (void)state;
    struct account *a = make("a@x");
    const struct override options[] = {{key_find(KEY_ACCOUNT, "port"), "2525"},
                                       {key_find(KEY_ACCOUNT, "from"), "%U@y"},
                                       {key_find(KEY_ACCOUNT, "logfile"), "~/log"}};
    const struct override bad = {key_find(KEY_ACCOUNT, "port"), "x"};
    struct identity_facts facts = {.site = &site,
                                   .caller = &site.caller,
                                   .header_from = "",
                                   .override = options,
                                   .overrides = 3};
    struct identity identity;
    struct error err;
    assert_true(identity_make(&identity, a, &facts, &err));
    assert_int_equal(identity.account->port, 2525);
    assert_string_equal(identity.account->from, "me@y");
    assert_string_equal(identity.account->logfile, "/home/me/log");
    assert_int_equal(a->port, 0);
    assert_string_equal(a->logfile, "");
    identity_clear(&identity);
    facts.override = &bad;
    facts.overrides = 1;
    assert_false(identity_make(&identity, a, &facts, &err));
    assert_int_equal(err.code, EX_USAGE);
    assert_string_equal(identity.configured->name, "a");
    identity_clear(&identity);
    account_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_make_a_copy),
        cmocka_unit_test(without_options_and_patterns_it_is_the_account),
        cmocka_unit_test(options_are_of_one_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
