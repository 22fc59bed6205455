#include "suite.h"

#include <unistd.h>

#include "message/envelope.h"

static void recipients_are_added_once(void **state)
{
    (void)state;
    struct envelope env = {0};
    assert_true(envelope_add(&env, "a@b"));
    assert_false(envelope_add(&env, "a@B"));
    assert_true(envelope_add(&env, "A@b"));
    assert_true(envelope_add(&env, "\"a@b\"@c"));
    assert_true(envelope_add(&env, ""));
    assert_int_equal(env.n, 4);
    envelope_set_sender(&env, "x");
    envelope_set_sender(&env, "y");
    assert_string_equal(env.sender, "y");
    envelope_clear(&env);
    envelope_clear(&env);
    assert_false(envelope_has(&env, "a@b"));
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
            assert_int_equal(envelope_add(&env, address), round == 0);
        }
    assert_int_equal(env.n, MANY);
    for (int i = 0; i < MANY; i++) { /* in the order they came */
        (void)snprintf(address, sizeof address, "user%d@example.com", i);
        assert_string_equal(env.rcpt[i].address, address);
    }
    assert_false(envelope_has(&env, "User1@example.com"));
    envelope_clear(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recipients_are_added_once),
        cmocka_unit_test(many_recipients_are_told_apart),
    };
    return cmocka_run_group_tests_name("envelope", tests, NULL, NULL);
}
