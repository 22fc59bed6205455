#include "suite.h"

#include <inttypes.h>

#include "queue/account_state.h"
#include "delivery/alert.h"
#include "mailworld.h"

enum { HOUR = 3600, NEW = 100 };

/* What happens, one step after the other, in one spool: nothing is forgotten between two runs. */
static const struct step {
    const char *name;
    int64_t later;    /* seconds after the step before */
    int work, home;   /* 1: this account fails from now on, -1: it works again */
    int waits;        /* 1: an entry comes into queue/, -1: it leaves */
    int fails;        /* as many entries come into failed/, or leave it */
    bool broken;      /* the command fails */
    const char *kind; /* what the command hears; NULL: it is not run */
    const char *accounts, *reason;
} steps[] = {
    {.name = "nothing"},
    {.name = "an account fails", .work = 1, .waits = 1},
    {.name = "for less than an hour", .later = HOUR - 1},
    {.name = "for an hour, and the channel is down, too",
     .later = 1,
     .broken = true,
     .kind = "account",
     .accounts = "work",
     .reason = "535 'no' $(id)"},
    {.name = "again within the hour", .later = HOUR - 1},
    {.name = "after it",
     .later = 1,
     .kind = "account",
     .accounts = "work",
     .reason = "535 'no' $(id)"},
    {.name = "once", .later = HOUR},
    {.name = "another one fails", .home = 1},
    {.name = "which counts",
     .later = HOUR,
     .kind = "account",
     .accounts = "home",
     .reason = "down"},
    {.name = "mail is given up: not within the hour", .later = HOUR - 1, .fails = 2},
    {.name = "but then", .later = 1, .kind = "failed", .accounts = "work", .reason = "expired"},
    {.name = "once, too", .later = HOUR},
    {.name = "what was looked at leaves", .fails = -1},
    {.name = "fewer are no news", .later = HOUR},
    {.name = "more are", .fails = 1, .kind = "failed", .accounts = "work", .reason = "expired"},
    {.name = "both recover, which is said at once",
     .later = 60,
     .work = -1,
     .home = -1,
     .kind = "recovered",
     .accounts = "work, home"},
    {.name = "and once", .later = 60},
    {.name = "a failure that nobody heard of", .work = 1},
    {.name = "ends unheard", .later = HOUR - 1, .work = -1},
    {.name = "no mail waits", .work = 1, .waits = -1},
    {.name = "nobody is disturbed", .later = 2 * HOUR},
    {.name = "until some does",
     .waits = 1,
     .kind = "account",
     .accounts = "work",
     .reason = "535 'no' $(id)"},
    {.name = "a clock that was set back", .later = -NEW * HOUR},
};

struct play {
    struct mailworld world;
    char heard[128];
    char waiting[ENTRYID_SIZE];
    char failed[8][ENTRYID_SIZE];
    size_t n;
};

static void set_account(struct play *play, const char *account, int change, const char *reason)
{
    struct account_file file;
    if (change == 0)
        return;
    assert_true(account_file_begin(&file, &play->world.dir->spool, account));
    file.state.breaker = (struct breaker){0};
    if (change > 0) {
        file.state.breaker = (struct breaker){.failures = 1, .since = mailworld_now};
        snprintf(file.state.breaker.reason, sizeof file.state.breaker.reason, "%s", reason);
    }
    account_file_end(&file, true);
}

static void change_failed(struct play *play, int fails)
{
    struct spooldir *dir = play->world.dir;
    for (; fails > 0; fails--) {
        struct entry_lock lock = {0};
        assert_true(spooldir_submit(dir, "S: x\r\n\r\nhi\r\n", 1, play->failed[play->n++], &lock));
        assert_true(entry_lock_move(&lock, SPOOL_FAILED, "expired", &dir->err));
    }
    if (fails < 0)
        assert_int_equal(
            entry_lock_delete(&dir->spool, SPOOL_FAILED, play->failed[--play->n], &dir->err),
            SPOOL_FOUND);
}

static void change_queue(struct play *play, int waits)
{
    struct spooldir *dir = play->world.dir;
    if (waits > 0)
        assert_true(spooldir_submit(dir, "S: x\r\n\r\nhi\r\n", 1, play->waiting, NULL));
    if (waits < 0)
        assert_int_equal(entry_lock_delete(&dir->spool, SPOOL_QUEUE, play->waiting, &dir->err),
                         SPOOL_FOUND);
}

/* Appends what the command heard; it is gone then. */
static void take_heard(const struct play *play, struct str *out)
{
    char block[4096];
    FILE *file = fopen(play->heard, "re");
    size_t got = file ? fread(block, 1, sizeof block, file) : 0;
    str_add_n(out, block, got);
    if (file)
        (void)fclose(file);
    (void)unlink(play->heard);
}

static void expect(const struct str *heard, const char *name, const char *value)
{
    struct str line = {0};
    str_addf(&line, "\nONEHOP_%s=%s", name, value);
    if (!strstr(str_text(heard), str_text(&line)))
        fail_msg("missing:%s\nin: %s", str_text(&line), str_text(heard));
    str_clear(&line);
}

static void check(const struct play *play, const struct step *step)
{
    struct str heard = {0};
    take_heard(play, &heard);
    if (!step->kind) {
        assert_string_equal(str_text(&heard), "");
        return;
    }
    char failed[32];
    snprintf(failed, sizeof failed, "%zu\n", play->n);
    expect(&heard, "ALERT", step->kind);
    expect(&heard, "FAILED", failed);
    expect(&heard, "TEXT", "onehop on me: ");
    assert_non_null(strstr(heard.data, step->accounts));
    assert_true(!step->reason || strstr(heard.data, step->reason));
    assert_null(strstr(heard.data, "s3cret"));
    str_clear(&heard);
}

static unsigned complaints;

static void count_complaint(void *context, const struct error *err)
{
    (void)context;
    assert_string_equal(err->text, "alert_command: exit status 3");
    complaints++;
}

static void news_is_reported_once_and_at_most_once_an_hour(void **state)
{
    (void)state;
    static struct play play;
    struct str command = {0};
    complaints = 0;
    assert_int_equal(setenv("ONEHOP_PASSWORD", "s3cret", 1), 0);
    mailworld_begin(&play.world);
    play.world.delivery.report_failure = count_complaint;
    snprintf(play.heard, sizeof play.heard, "%s", spooldir_path(play.world.dir, ".", "heard"));
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        const struct step *step = &steps[i];
        print_message("# %s\n", step->name);
        mailworld_now += step->later;
        set_account(&play, "work", step->work, "535 'no' $(id)");
        set_account(&play, "home", step->home, "down");
        change_queue(&play, step->waits);
        change_failed(&play, step->fails);
        str_truncate(&command, 0);
        str_addf(&command, "{ echo; env | grep ^ONEHOP_; cat; } > '%s'; echo dropped; exit %d",
                 play.heard, step->broken ? 3 : 0);
        alert_check(&play.world.delivery, command.data);
        check(&play, step);
    }
    assert_int_equal(complaints, 1);
    str_clear(&command);
    mailworld_end(&play.world);
}

static void one_process_reports_at_a_time(void **state)
{
    (void)state;
    static struct play play;
    mailworld_begin(&play.world);
    snprintf(play.heard, sizeof play.heard, "%s", spooldir_path(play.world.dir, ".", "heard"));
    change_failed(&play, 1);
    struct str command = {0};
    str_addf(&command, "flock -n '%s' true || : > '%s'",
             spooldir_path(play.world.dir, "account", "alert"), play.heard);
    alert_check(&play.world.delivery, command.data);
    assert_true(spooldir_exists(play.world.dir, ".", "heard")); /* it is locked while it runs */
    str_clear(&command);
    mailworld_end(&play.world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(news_is_reported_once_and_at_most_once_an_hour),
        cmocka_unit_test(one_process_reports_at_a_time),
    };
    return cmocka_run_group_tests_name("alert", tests, NULL, NULL);
}
