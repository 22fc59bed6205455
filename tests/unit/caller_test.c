#include "suite.h"

#include "cli/caller_find.h"
#include "scratch.h"

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

static void find(struct caller *caller, struct caller_storage *storage, const char *home,
                 const char *state)
{
    (void)setenv("HOME", home, 1);
    (void)setenv("XDG_STATE_HOME", state, 1);
    (void)unsetenv("XDG_CONFIG_HOME");
    caller_find(caller, storage);
}

static void a_home_is_nobody_elses(void **state)
{
    (void)state;
    static const struct {
        mode_t mode;
        bool believed;
    } cases[] = {{0700, true}, {0755, true}, {01777, false}, {0757, false}};
    scratch_write("home/x", 0600, "", 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct caller_storage storage = {0};
        struct caller caller;
        const char *home = scratch_path("home");
        assert_int_equal(chmod(home, cases[i].mode), 0);
        find(&caller, &storage, home, "");
        assert_int_equal(strcmp(caller.home, home) == 0, cases[i].believed);
        caller_clear(&storage);
    }
}

static void a_missing_state_home_is_made_where_it_is_ours(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool believed;
    } cases[] = {{"home", true}, {"home/new", true}, {"home/new/er/", true}, {"open/new", false},
                 {"home/x/new", false}};
    scratch_write("home/x", 0600, "", 0);
    scratch_write("open/x", 0600, "", 0);
    assert_int_equal(chmod(scratch_path("home"), 0700), 0);
    assert_int_equal(chmod(scratch_path("open"), 01777), 0);
    char home[512];
    snprintf(home, sizeof home, "%s", scratch_path("home"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct caller_storage storage = {0};
        struct caller caller;
        const char *path = scratch_path(cases[i].name);
        find(&caller, &storage, home, path);
        assert_int_equal(strcmp(caller.state_home, path) == 0, cases[i].believed);
        caller_clear(&storage);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_caller_has_a_name),
        cmocka_unit_test(a_home_is_nobody_elses),
        cmocka_unit_test(a_missing_state_home_is_made_where_it_is_ours),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
