#include "suite.h"

#include <unistd.h>

#include "message/envelope.h"

static void recipients_are_added_once(void **state)
{
    (void)state;
    struct envelope env = {0};
    assert_non_null(envelope_add(&env, "a@b"));
    assert_null(envelope_add(&env, "a@B"));
    assert_non_null(envelope_add(&env, "A@b"));
    assert_non_null(envelope_add(&env, "\"a@b\"@c"));
    assert_non_null(envelope_add(&env, ""));
    assert_int_equal(env.n, 4);
    envelope_set_sender(&env, "x");
    envelope_set_sender(&env, "y");
    assert_string_equal(env.sender, "y");
    envelope_clear(&env);
    envelope_clear(&env);
    assert_int_equal(env.n, 0);
}

static void many_recipients_are_told_apart(void **state)
{
    (void)state;
    enum { MANY = 50000 }; /* each looked at for each would be 1,250,000,000 comparisons */
    struct envelope env = {0};
    char address[64];
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < MANY; i++) {
            (void)snprintf(address, sizeof address, "user%d@%s", i,
                           round ? "EXAMPLE.com" : "example.com");
            assert_int_equal(envelope_add(&env, address) != NULL, round == 0);
        }
    assert_int_equal(env.n, MANY);
    for (int i = 0; i < MANY; i++) { /* in the order they came */
        (void)snprintf(address, sizeof address, "user%d@example.com", i);
        assert_string_equal(env.rcpt[i].address, address);
    }
    assert_non_null(envelope_add(&env, "User1@example.com"));
    envelope_clear(&env);
}

static void dsn_parameters_belong_to_one_recipient(void **state)
{
    (void)state;
    struct envelope env = {.dsn_return = DSN_RETURN_FULL}, copy = {0};
    const struct recipient never = {.orcpt = (char *)"rfc822;x@y", .notify = DSN_NEVER};
    (void)envelope_add(&env, "a@b");
    envelope_ask(envelope_add(&env, "c@d"), &never);
    envelope_ask(envelope_add(&env, "c@d"), &never); /* NULL: it is there */
    envelope_default_notify(&env, DSN_FAILURE | DSN_DELAY);
    envelope_copy(&copy, &env);
    envelope_clear(&env);
    assert_int_equal(copy.rcpt[0].notify, DSN_FAILURE | DSN_DELAY);
    assert_null(copy.rcpt[0].orcpt);
    assert_int_equal(copy.rcpt[1].notify, DSN_NEVER);
    assert_string_equal(copy.rcpt[1].orcpt, "rfc822;x@y");
    assert_string_equal(copy.sender, "");
    assert_int_equal(copy.dsn_return, DSN_RETURN_FULL);
    assert_true(envelope_reports_failure(&copy.rcpt[0]));
    assert_false(envelope_reports_failure(&copy.rcpt[1]));
    for (int i = 0; i < 20; i++) { /* a copy grows like any other */
        char address[32];
        (void)snprintf(address, sizeof address, "r%d@x", i % 10);
        (void)envelope_add(&copy, address);
    }
    assert_int_equal(copy.n, 12);
    envelope_clear(&copy);
}

static void words_of_notify(void **state)
{
    (void)state;
    static const struct {
        const char *text, *canonical;
    } cases[] = {{"success,failure", "SUCCESS,FAILURE"},
                 {"Delay", "DELAY"},
                 {"NEVER", "NEVER"},
                 {"delay,delay", "DELAY"},
                 {"never,delay", NULL},
                 {"", NULL},
                 {"delay,", NULL},
                 {"delays", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str out = {0};
        unsigned notify = 0;
        assert_int_equal(dsn_read_notify(cases[i].text, &notify), cases[i].canonical != NULL);
        dsn_add_notify(&out, notify);
        assert_string_equal(str_text(&out), cases[i].canonical ? cases[i].canonical : "");
        str_clear(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recipients_are_added_once),
        cmocka_unit_test(dsn_parameters_belong_to_one_recipient),
        cmocka_unit_test(words_of_notify),
        cmocka_unit_test(many_recipients_are_told_apart),
    };
    return cmocka_run_group_tests_name("envelope", tests, NULL, NULL);
}
