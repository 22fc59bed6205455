#include "suite.h"

#include "delivery/circumstances.h"
#include "delivery/fallback.h"
#include "mailworld.h"

enum { NOW = 1000000000, MINUTE = 60 };

static const struct row {
    const char *name;
    struct breaker breaker;
    enum delivery_urgency urgency;
    bool used;
} rows[] = {
    {"it works", {0}, DELIVERY_DUE, false},
    {"it has failed for five minutes",
     {.failures = 3, .since = NOW - 5 * MINUTE, .until = NOW + MINUTE},
     DELIVERY_DUE,
     true},
    {"for less",
     {.failures = 3, .since = NOW - 5 * MINUTE + 1, .until = NOW + MINUTE},
     DELIVERY_DUE,
     false},
    {"its login is refused",
     {.failures = 1, .cause = CAUSE_LOGIN, .since = NOW - 5 * MINUTE, .until = NOW + MINUTE},
     DELIVERY_ASKED,
     true},
    {"mail failed, not the login",
     {.failures = 3, .after_login = true, .since = NOW - 5 * MINUTE, .until = NOW + MINUTE},
     DELIVERY_DUE,
     false},
    {"a probe is due",
     {.failures = 3, .since = NOW - 5 * MINUTE, .until = NOW},
     DELIVERY_DUE,
     false},
    {"a person asks",
     {.failures = 3, .since = NOW - 5 * MINUTE, .until = NOW + MINUTE},
     DELIVERY_BY_PERSON,
     false},
    {"the clock was set back",
     {.failures = 3, .since = NOW + MINUTE, .until = NOW + 2 * MINUTE},
     DELIVERY_DUE,
     false},
};

static void begin(struct mailworld *world)
{
    mailworld_begin(world);
    mailworld_set(world, "fallback", "home");
}

static void it_is_used_while_the_account_lets_nothing_try(void **unused)
{
    struct mailworld world;
    (void)unused;
    begin(&world);
    const struct account *work = world.account[0], *home = world.account[1];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct breaker breaker = rows[i].breaker;
        breaker.depends = circumstances_of(&world.site, work);
        print_message("# %s\n", rows[i].name);
        assert_ptr_equal(fallback_in_use(&world.site, work, &breaker, rows[i].urgency, NOW),
                         rows[i].used ? home : NULL);
        assert_null(fallback_in_use(&world.site, home, &breaker, rows[i].urgency, NOW));
    }
    mailworld_end(&world);
}

static void the_other_account_says_who_may_use_it(void **unused)
{
    struct mailworld world;
    struct entry unknown = {0}, root = {.has_uid = true}, user = {.has_uid = true, .uid = 123456};
    (void)unused;
    begin(&world);
    const struct account *other = world.account[0];
    assert_true(fallback_may_carry(other, &user) && fallback_may_carry(other, &unknown));
    mailworld_set(&world, "allow_users", "nobody-of-this-name");
    assert_true(fallback_may_carry(other, &root));
    assert_false(fallback_may_carry(other, &user));
    assert_false(fallback_may_carry(other, &unknown));
    mailworld_end(&world);
}

static void mail_takes_one_step(void **unused)
{
    struct mailworld world;
    char work[] = "work", home[] = "home", gone[] = "gone";
    (void)unused;
    begin(&world);
    const struct site *site = &world.site;
    assert_true(fallback_is_carried(site, &(struct entry){.account = work}, "home"));
    assert_false(fallback_is_carried(site, &(struct entry){.account = work}, "work"));
    assert_false(fallback_is_carried(site, &(struct entry){.account = home}, "work"));
    assert_false(fallback_is_carried(site, &(struct entry){.account = gone}, "home"));
    mailworld_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_used_while_the_account_lets_nothing_try),
        cmocka_unit_test(the_other_account_says_who_may_use_it),
        cmocka_unit_test(mail_takes_one_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
