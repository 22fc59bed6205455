#include "suite.h"

#include "delivery/settle.h"
#include "mailworld.h"

enum { DAY = 24 * 3600, RECIPIENTS_MAX = 4 };

enum whole { NOTHING, ACCOUNT, MESSAGE, REFUSED }; /* what ended the attempt as a whole */

/* An attempt and what follows. Results of the recipients: Sent, Permanently or Temporarily refused,
 * (with a Long reply), the Account's failure, Untried. Their NOTIFY: Failure, Never, Success,
 * Delay, or '-'. What is left of the entry: each recipient Sent, Failed, in a Bounce, or Waiting;
 * "" if it is gone. */
static const struct row {
    const char *name, *results;
    const char *notify; /* NULL: none was given */
    enum whole whole;
    int64_t age;
    bool null_sender, is_bounce, no_account, account_fails, is_awaited, for_ever, full;
    enum settle_end end;
    const char *left;
    const char *reported; /* the recipients in the bounce, "" if none was made */
    bool at_once;         /* the next attempt is not deferred */
    bool notice;          /* to admin */
} rows[] = {
    {.name = "sent to all", .results = "SS", .end = SETTLE_DONE},
    {.name = "one waits", .results = "ST", .end = SETTLE_WAITS, .left = "SW"},
    {.name = "one was not tried", .results = "SU", .end = SETTLE_WAITS, .left = "SW"},
    {.name = "refused", .results = "P", .end = SETTLE_DONE, .reported = "0"},
    {.name = "a result each",
     .results = "SPT",
     .end = SETTLE_WAITS,
     .left = "SBW",
     .reported = "1"},
    {.name = "each has a NOTIFY of its own",
     .results = "PPPP",
     .notify = "FN-S",
     .end = SETTLE_DONE,
     .reported = "02"},
    {.name = "a wish for other news is not one for failures",
     .results = "PPS",
     .notify = "SDS",
     .end = SETTLE_DONE},
    {.name = "nobody wants to know", .results = "PP", .notify = "NN", .end = SETTLE_DONE},
    {.name = "nobody wants to know of the one that failed",
     .results = "PT",
     .notify = "NF",
     .end = SETTLE_WAITS,
     .left = "FW"},
    {.name = "the message is refused",
     .results = "UU",
     .whole = REFUSED,
     .end = SETTLE_DONE,
     .reported = "01"},
    {.name = "the message is refused for now",
     .results = "UU",
     .whole = MESSAGE,
     .end = SETTLE_WAITS,
     .left = "WW"},
    {.name = "the exit status tells", .results = "PP", .is_awaited = true, .end = SETTLE_DONE},
    {.name = "of all, and not of one",
     .results = "SP",
     .is_awaited = true,
     .end = SETTLE_DONE,
     .reported = "1"},
    {.name = "nor of some, while others wait",
     .results = "TP",
     .is_awaited = true,
     .end = SETTLE_WAITS,
     .left = "WB",
     .reported = "1"},
    {.name = "the account fails: its breaker says when",
     .results = "UU",
     .whole = ACCOUNT,
     .account_fails = true,
     .end = SETTLE_WAITS,
     .left = "WW",
     .at_once = true},
    {.name = "it may fail: the entry waits alone",
     .results = "UU",
     .whole = ACCOUNT,
     .end = SETTLE_WAITS,
     .left = "WW"},
    {.name = "no account serves it",
     .results = "U",
     .whole = ACCOUNT,
     .no_account = true,
     .end = SETTLE_WAITS,
     .left = "W"},
    {.name = "nobody to report it to",
     .results = "P",
     .null_sender = true,
     .end = SETTLE_KEPT,
     .left = "F"},
    {.name = "the others wait all the same",
     .results = "PT",
     .null_sender = true,
     .end = SETTLE_WAITS,
     .left = "FW"},
    {.name = "a bounce does not bounce",
     .results = "P",
     .null_sender = true,
     .is_bounce = true,
     .end = SETTLE_KEPT,
     .left = "F"},
    {.name = "not even one with a sender",
     .results = "P",
     .is_bounce = true,
     .end = SETTLE_KEPT,
     .left = "F"},
    {.name = "too old", .results = "T", .age = 6 * DAY, .end = SETTLE_DONE, .reported = "0"},
    {.name = "too old for those who wait",
     .results = "STU",
     .age = 6 * DAY,
     .end = SETTLE_DONE,
     .reported = "12"},
    {.name = "no age is too old",
     .results = "T",
     .age = 600 * DAY,
     .for_ever = true,
     .end = SETTLE_WAITS,
     .left = "W"},
    {.name = "only the account held it",
     .results = "UU",
     .whole = ACCOUNT,
     .age = 6 * DAY,
     .account_fails = true,
     .end = SETTLE_KEPT,
     .left = "WW",
     .notice = true},
    {.name = "or held the recipients that are left",
     .results = "SA",
     .age = 6 * DAY,
     .end = SETTLE_KEPT,
     .left = "SW",
     .notice = true},
    {.name = "not the account alone",
     .results = "AT",
     .age = 6 * DAY,
     .end = SETTLE_DONE,
     .reported = "01"},
    {.name = "too old, and no account",
     .results = "U",
     .whole = ACCOUNT,
     .age = 6 * DAY,
     .no_account = true,
     .end = SETTLE_KEPT,
     .left = "W"},
    {.name = "a bounce has its lifetime twice",
     .results = "T",
     .null_sender = true,
     .is_bounce = true,
     .age = 6 * DAY,
     .end = SETTLE_WAITS,
     .left = "W"},
    {.name = "and is kept then",
     .results = "T",
     .null_sender = true,
     .is_bounce = true,
     .age = 11 * DAY,
     .end = SETTLE_KEPT,
     .left = "F"},
    {.name = "a bounce that the account held makes no notice",
     .results = "U",
     .whole = ACCOUNT,
     .null_sender = true,
     .is_bounce = true,
     .age = 11 * DAY,
     .end = SETTLE_KEPT,
     .left = "W"},
    {.name = "the disk is full: the removal is the note",
     .results = "S",
     .full = true,
     .end = SETTLE_DONE},
    {.name = "full: the room that was kept says whom it was sent to",
     .results = "SL",
     .full = true,
     .end = SETTLE_FAILED,
     .left = "SW"},
    {.name = "full: and more, if that fits",
     .results = "ST",
     .full = true,
     .end = SETTLE_WAITS,
     .left = "SW"},
    {.name = "full: no bounce, and no forgotten failure",
     .results = "SP",
     .full = true,
     .end = SETTLE_FAILED,
     .left = "SF"},
    {.name = "full: what waits goes on waiting",
     .results = "T",
     .full = true,
     .end = SETTLE_FAILED,
     .left = "W"},
};

/* Accepts the row's message, and begins an attempt on it. */
static void accept_entry(struct mailworld *world, const struct row *row, char *id,
                         struct entry_lock *lock)
{
    static const unsigned wishes[] = {
        ['F'] = DSN_FAILURE, ['N'] = DSN_NEVER, ['S'] = DSN_SUCCESS, ['D'] = DSN_DELAY, ['-'] = 0};
    struct entry entry;
    struct entry_writer writer;
    struct error *err = &world->dir->err;
    char original[ENTRYID_SIZE];
    spooldir_fill(&entry, (int)strlen(row->results));
    for (size_t i = 0; row->notify && i < entry.envelope.n; i++)
        entry.envelope.rcpt[i].notify = wishes[(unsigned char)row->notify[i]];
    if (row->null_sender)
        envelope_set_sender(&entry.envelope, "");
    if (row->is_bounce) {
        assert_true(spool_new_id(&world->dir->spool, original, err));
        assert_true(entryid_derive(entry.id, original, 1));
        memcpy(entry.bounce_of, original, sizeof original);
    }
    assert_true(entry_writer_begin(&writer, &world->dir->spool, &entry, err));
    assert_true(output_write(&writer.output, "S: x\r\n\r\nhi\r\n", 12, err));
    assert_true(entry_writer_commit(&writer, lock, err));
    entry_clear(&entry);
    memcpy(id, lock->entry.id, ENTRYID_SIZE);
    mailworld_later(id, row->age);
    assert_int_equal(entry_lock_begin(lock, mailworld_now, err), ENTRY_LOCK_BEGUN);
}

static void refuse(struct outcome *outcome, char result)
{
    struct error why = spooldir_refusal(result == 'P' ? 550 : 450, "", "no", "no");
    if (result == 'L')
        memset(why.reply, 'x', 400);
    if (result == 'A')
        why.scope = ERROR_ACCOUNT;
    outcome_refuse(outcome, &why);
}

static void attempt_row(const struct row *row, struct attempt *attempt)
{
    *attempt = (struct attempt){.n = strlen(row->results), .failed = row->whole != NOTHING};
    attempt->outcomes = calloc(attempt->n, sizeof *attempt->outcomes);
    for (size_t i = 0; i < attempt->n; i++)
        if (row->results[i] == 'S')
            attempt->outcomes[i].result = OUTCOME_SENT;
        else if (row->results[i] != 'U')
            refuse(&attempt->outcomes[i], row->results[i]);
    (void)error_set(&attempt->failure, row->whole == ACCOUNT ? ERROR_ACCOUNT : ERROR_MESSAGE,
                    row->whole == REFUSED ? ERROR_PERMANENT : ERROR_TEMPORARY, EX_TEMPFAIL,
                    "as a whole");
}

/* The status of each recipient, if the entry is there. */
static void look(struct mailworld *world, const struct row *row, const char *id, struct str *left)
{
    struct entry_lock lock = {0};
    if (entry_lock_take(&lock, &world->dir->spool,
                        row->end == SETTLE_KEPT ? SPOOL_FAILED : SPOOL_QUEUE, id,
                        &world->dir->err) != SPOOL_FOUND)
        return;
    for (size_t i = 0; i < lock.journal.n; i++)
        str_add_char(left, lock.journal.rcpt[i].bounce ? 'B' : "WSF"[lock.journal.rcpt[i].status]);
    entry_lock_release(&lock);
}

static void look_at_bounce(struct mailworld *world, const char *id, struct str *reported)
{
    char bounce[ENTRYID_SIZE];
    struct str text = {0}, wanted = {0};
    if (entryid_derive(bounce, id, 1) && mailworld_read(world, "queue", bounce, &text))
        for (int i = 0; i < RECIPIENTS_MAX; i++) {
            str_truncate(&wanted, 0);
            str_addf(&wanted, "Final-Recipient: rfc822; r%d@example.com", i);
            if (strstr(text.data, wanted.data))
                str_addf(reported, "%d", i);
        }
    str_clear(&text);
    str_clear(&wanted);
}

static void check_next_attempt(struct mailworld *world, const struct row *row, const char *id)
{
    struct stat facts;
    if (row->end != SETTLE_WAITS)
        return;
    assert_int_equal(stat(spooldir_path(world->dir, "queue", id), &facts), 0);
    if (row->at_once)
        assert_int_equal(facts.st_mtime, mailworld_now);
    else
        assert_in_range(facts.st_mtime - mailworld_now, 45, 75); /* a minute, more or less */
}

static bool has_notice(struct mailworld *world, const char *id)
{
    char notice[ENTRYID_SIZE];
    return entryid_derive(notice, id, ENTRYID_DERIVED_MAX) &&
           spooldir_exists(world->dir, "queue", notice);
}

static void settle_row(struct mailworld *world, const struct row *row)
{
    char id[ENTRYID_SIZE];
    struct str left = {0}, reported = {0};
    struct entry_lock lock = {0};
    struct attempt attempt;
    accept_entry(world, row, id, &lock);
    attempt_row(row, &attempt);
    world->delivery.lifetime = row->for_ever ? 0 : 5 * DAY;
    const struct settlement settlement = {
        .delivery = &world->delivery,
        .account = row->no_account ? NULL : world->account[0],
        .provider = "mx",
        .account_fails = row->account_fails,
        .is_awaited = row->is_awaited,
    };
    if (row->full)
        (void)setenv("ONEHOP_TEST_DISK", "full:1:/dev/null", 1);
    struct error err;
    enum settle_end end = settle_attempt(&settlement, &lock, &attempt, &err);
    (void)unsetenv("ONEHOP_TEST_DISK");
    assert_int_equal(end, row->end);
    if (end == SETTLE_FAILED) {
        assert_int_equal(err.scope, ERROR_ACCOUNT);
        assert_int_equal(err.class, ERROR_TEMPORARY);
    }
    assert_null(lock.spool); /* released */
    look(world, row, id, &left);
    look_at_bounce(world, id, &reported);
    check_next_attempt(world, row, id);
    assert_string_equal(str_text(&left), row->left ? row->left : "");
    assert_string_equal(str_text(&reported), row->reported ? row->reported : "");
    assert_int_equal(has_notice(world, id), row->notice);
    delivery_attempt_clear(&attempt);
    str_clear(&left);
    str_clear(&reported);
}

static void an_attempt_has_consequences(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mailworld world;
        print_message("# %s\n", rows[i].name);
        mailworld_begin(&world);
        settle_row(&world, &rows[i]);
        mailworld_end(&world);
    }
}

/* An attempt that took longer than the interval that was planned as it began has a new one. */
static void a_long_attempt_is_not_repeated_at_once(void **state)
{
    (void)state;
    static const struct row row = {.results = "T", .end = SETTLE_WAITS};
    struct mailworld world;
    struct entry_lock lock = {0};
    struct attempt attempt;
    struct error err;
    char id[ENTRYID_SIZE];
    mailworld_begin(&world);
    accept_entry(&world, &row, id, &lock);
    attempt_row(&row, &attempt);
    mailworld_later(id, 600);
    const struct settlement settlement = {
        .delivery = &world.delivery, .account = world.account[0], .provider = "mx"};
    assert_int_equal(settle_attempt(&settlement, &lock, &attempt, &err), SETTLE_WAITS);
    check_next_attempt(&world, &row, id);
    delivery_attempt_clear(&attempt);
    mailworld_end(&world);
}

/* The interval would be four hours. */
static void an_attempt_is_made_when_the_delay_is_reported(void **state)
{
    (void)state;
    static const struct row row = {.results = "T", .age = 4 * 3600 - 600, .end = SETTLE_WAITS};
    struct mailworld world;
    struct entry_lock lock = {0};
    struct attempt attempt;
    struct error err;
    struct stat facts;
    char id[ENTRYID_SIZE];
    mailworld_begin(&world);
    world.delivery.delay_warning = 4 * 3600;
    accept_entry(&world, &row, id, &lock);
    attempt_row(&row, &attempt);
    lock.journal.attempts = 6;
    lock.next = mailworld_now + 4 * 3600;
    const struct settlement settlement = {
        .delivery = &world.delivery, .account = world.account[0], .provider = "mx"};
    assert_int_equal(settle_attempt(&settlement, &lock, &attempt, &err), SETTLE_WAITS);
    assert_int_equal(stat(spooldir_path(world.dir, "queue", id), &facts), 0);
    assert_int_equal(facts.st_mtime - mailworld_now, 600);
    delivery_attempt_clear(&attempt);
    mailworld_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_attempt_has_consequences),
        cmocka_unit_test(a_long_attempt_is_not_repeated_at_once),
        cmocka_unit_test(an_attempt_is_made_when_the_delay_is_reported),
    };
    return cmocka_run_group_tests_name("settle", tests, NULL, NULL);
}
