#include "suite.h"

#include "queue/account_state.h"
#include "delivery/notice.h"
#include "mailworld.h"

enum { HOUR = 3600 };

/* A system's account "work" whose login fails, and the other account "home". */
static const struct row {
    const char *name;
    int64_t since; /* seconds that it fails */
    enum error_cause cause;
    bool of_user, no_admin, of_bounce, other_fails, other_of_user, reported;
    bool sent;
} rows[] = {
    {.name = "after an hour", .since = HOUR, .cause = CAUSE_LOGIN, .sent = true},
    {.name = "not before", .since = HOUR - 1, .cause = CAUSE_LOGIN},
    {.name = "not for the network", .since = HOUR, .cause = CAUSE_NETWORK},
    {.name = "once", .since = HOUR, .cause = CAUSE_LOGIN, .reported = true},
    {.name = "a user reads the log", .since = HOUR, .cause = CAUSE_LOGIN, .of_user = true},
    {.name = "nobody is to be asked", .since = HOUR, .cause = CAUSE_LOGIN, .no_admin = true},
    {.name = "a bounce makes none", .since = HOUR, .cause = CAUSE_LOGIN, .of_bounce = true},
    {.name = "nothing carries it", .since = HOUR, .cause = CAUSE_LOGIN, .other_fails = true},
    {.name = "a user's account does not",
     .since = HOUR,
     .cause = CAUSE_LOGIN,
     .other_of_user = true},
};

static void open_breaker(struct mailworld *world, const char *account, enum error_cause cause,
                         int64_t since, bool reported)
{
    struct account_file file;
    assert_true(account_file_begin(&file, &world->dir->spool, account));
    file.state.breaker =
        (struct breaker){.failures = 3, .cause = cause, .since = since, .reason = "535 5.7.8 no"};
    file.state.login_reported = reported ? since : 0;
    account_file_end(&file, true);
}

static void check_text(const char *text)
{
    static const char *const parts[] = {
        "\naccount home\n",
        "\nsender -\n",
        "\nrcpt admin@example.com\n",
        "From: Mail Delivery System <me@example.net>\r\nTo: admin@example.com\r\n",
        "Subject: A login has failed for an hour on me\r\n",
        "Auto-Submitted: auto-generated\r\n",
        "account work on me, entry ",
        "The reason: 535 5.7.8 no\r\n"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strstr(text, parts[i]))
            fail_msg("missing: %s\nin: %s", parts[i], text);
}

static void play(struct mailworld *world, const struct row *row)
{
    char id[ENTRYID_SIZE], notice[ENTRYID_SIZE];
    struct entry_lock lock = {0};
    struct str text = {0};
    world->own[0]->scope = row->of_user ? SCOPE_USER : SCOPE_SYSTEM;
    world->own[1]->scope = row->other_of_user ? SCOPE_USER : SCOPE_SYSTEM;
    mailworld_set(world, "admin", row->no_admin ? "" : "admin@example.com");
    if (row->no_admin)
        mailworld_set(world, "from", "*@example.org");
    assert_true(spooldir_submit(world->dir, "S: x\r\n\r\nhi\r\n", 1, id, &lock));
    mailworld_later(id, 2 * HOUR);
    open_breaker(world, "work", row->cause, mailworld_now - row->since, row->reported);
    if (row->other_fails)
        open_breaker(world, "home", CAUSE_NETWORK, mailworld_now, false);
    if (row->of_bounce)
        memcpy(lock.entry.bounce_of, id, sizeof id);
    for (int i = 0; i < 2; i++)
        notice_login_fails(&world->delivery, world->account[0], &lock);
    assert_true(entryid_derive(notice, id, ENTRYID_DERIVED_MAX - 1));
    assert_int_equal(mailworld_read(world, "queue", notice, &text), row->sent);
    if (row->sent)
        check_text(text.data);
    entry_lock_release(&lock);
    str_clear(&text);
}

static void a_login_that_goes_on_failing_is_reported(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mailworld world;
        print_message("# %s\n", rows[i].name);
        mailworld_begin(&world);
        play(&world, &rows[i]);
        mailworld_end(&world);
    }
}

/* One an hour, through an account that works, if there is one. */
static void mail_that_expired_is_reported_once_an_hour(void **state)
{
    (void)state;
    static const struct {
        int64_t at; /* seconds */
        bool sent, own_fails;
        const char *account;
    } steps[] = {
        {0, true, true, "\naccount home\n"},
        {HOUR - 1, false, false, NULL},
        {HOUR, true, false, "\naccount work\n"},
    };
    struct mailworld world;
    mailworld_begin(&world);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        char id[ENTRYID_SIZE], notice[ENTRYID_SIZE];
        struct entry_lock lock = {0};
        struct str text = {0};
        const struct settlement settlement = {
            .delivery = &world.delivery, .account = world.account[0], .provider = ""};
        mailworld_now = 1000 * HOUR + steps[i].at;
        struct account_file file;
        assert_true(account_file_begin(&file, &world.dir->spool, "work"));
        file.state.breaker.failures = steps[i].own_fails;
        account_file_end(&file, true);
        assert_true(spooldir_submit(world.dir, "S: x\r\n\r\nhi\r\n", 1, id, &lock));
        notice_expired(&settlement, &lock, "no route");
        assert_true(entryid_derive(notice, id, ENTRYID_DERIVED_MAX));
        assert_int_equal(mailworld_read(&world, "queue", notice, &text), steps[i].sent);
        if (steps[i].account) {
            assert_non_null(strstr(text.data, steps[i].account));
            assert_non_null(strstr(text.data, "The reason: no route\r\n"));
        }
        entry_lock_release(&lock);
        str_clear(&text);
    }
    mailworld_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_login_that_goes_on_failing_is_reported),
        cmocka_unit_test(mail_that_expired_is_reported_once_an_hour),
    };
    return cmocka_run_group_tests_name("notice", tests, NULL, NULL);
}
