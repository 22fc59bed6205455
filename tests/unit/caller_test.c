#include "suite.h"

#include "cli/caller.h"

static void the_caller_has_a_name(void **state)
{
    (void)state;
    struct caller_storage storage = {0};
    struct caller caller;
    (void)setenv("USER", "", 1);
    (void)setenv("LOGNAME", "logname", 1);
    caller_find(&caller, &storage);
    assert_string_equal(caller.user, "logname");
    caller_clear(&storage);
    (void)setenv("USER", "user", 1);
    caller_find(&caller, &storage);
    assert_string_equal(caller.user, "user");
    caller_clear(&storage);
    caller_find_peer(&caller, &storage, 61007); /* our environment is not theirs */
    assert_string_equal(caller.user, "61007");
    caller_clear(&storage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_caller_has_a_name)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
