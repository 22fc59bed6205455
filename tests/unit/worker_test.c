#include "suite.h"

#include "queue/account_state.h"
#include "delivery/circumstances.h"
#include "delivery/worker.h"
#include "mailworld.h"
#include "script.h"

enum { CONNECTIONS_MAX = 3, STEPS_MAX = 18, ENTRIES_MAX = 3, YEAR = 365 * 24 * 3600 };

#define TEXT "S: x\r\n\r\nhi\r\n"
#define GREET                                                                                      \
    {NULL, "220 mx\r\n", 0, false},                                                                \
    {                                                                                              \
        "EHLO me\r\n", "250 mx\r\n", 0, false                                                      \
    }
#define MAIL(reply)                                                                                \
    {                                                                                              \
        "MAIL FROM:<me@example.org>\r\n", reply "\r\n", 0, false                                   \
    }
#define LAST_MAIL(reply)                                                                           \
    {                                                                                              \
        "MAIL FROM:<me@example.org>\r\n", reply "\r\n", 0, true                                    \
    }
#define RCPT(reply)                                                                                \
    {                                                                                              \
        "RCPT TO:<r0@example.com>\r\n", reply "\r\n", 0, false                                     \
    }
#define DATA                                                                                       \
    {                                                                                              \
        "DATA\r\n", "354 go\r\n", 0, false                                                         \
    }
#define CONTENT(reply)                                                                             \
    {                                                                                              \
        TEXT ".\r\n", reply "\r\n", 0, false                                                       \
    }
#define MESSAGE MAIL("250 ok"), RCPT("250 ok"), DATA, CONTENT("250 ok")
#define RSET                                                                                       \
    {                                                                                              \
        "RSET\r\n", "250 ok\r\n", 0, false                                                         \
    }
#define QUIT                                                                                       \
    {                                                                                              \
        "QUIT\r\n", NULL, 0, false                                                                 \
    }

/* What a provider says over each connection, and what is left of each entry afterwards: Gone, or
 * Waiting with a digit for the attempts, or in failed/ (Kept). */
static const struct story {
    const char *name;
    size_t entries;
    struct script_step step[CONNECTIONS_MAX][STEPS_MAX];
    const char *left;
    unsigned failures; /* of the breaker */
    bool suspect;      /* an entry is */
    bool bounce;       /* was made */
    bool awaited;      /* callers wait for the result */
    bool first;        /* the first entry is locked, and its caller waits; others may go along */
    bool open;         /* the breaker is, from before */
    bool settled;      /* the first entry's recipient has it already */
    enum delivery_urgency urgency;
    enum error_cause cause; /* of the breaker */
    const char *rate;       /* of the account */
    const char *disk;       /* ONEHOP_TEST_DISK */
    int code;
    const char *told;  /* to the caller of the first entry: Sent, Refused, Failed, or Untried */
    int64_t later;     /* seconds since the entries came */
} stories[] = {
    {.name = "two messages over one connection",
     .entries = 2,
     .step = {{GREET, MESSAGE, MESSAGE, QUIT}},
     .left = "G G"},
    {.name = "a message that is refused bounces",
     .entries = 1,
     .step = {{GREET, MAIL("250 ok"), RCPT("550 5.1.1 no"), QUIT}},
     .left = "G",
     .bounce = true},
    {.name = "but not while its caller waits",
     .entries = 1,
     .step = {{GREET, MAIL("250 ok"), RCPT("550 5.1.1 no"), QUIT}},
     .left = "G",
     .awaited = true},
    {.name = "a message that is deferred holds up nobody",
     .entries = 2,
     .step = {{GREET, MAIL("250 ok"), RCPT("450 later"), RSET, MESSAGE, QUIT}},
     .left = "W1 G"},
    {.name = "it bounces when it is too old",
     .entries = 1,
     .later = YEAR,
     .step = {{GREET, MAIL("250 ok"), RCPT("450 later"), QUIT}},
     .left = "G",
     .bounce = true},
    {.name = "what the account held is kept",
     .entries = 1,
     .later = YEAR,
     .step = {{{NULL, "554 no\r\n", 0, false}}},
     .left = "K",
     .failures = 1},
    {.name = "an account that cannot be reached is left alone",
     .entries = 3,
     .step = {{{NULL, "554 no\r\n", 0, false}}},
     .left = "W1 W0 W0",
     .failures = 1},
    {.name = "what one message meets is not the account's",
     .entries = 3,
     .step = {{GREET, LAST_MAIL("421 no")}, {GREET, MESSAGE, MESSAGE, QUIT}},
     .left = "W1 G G"},
    {.name = "it is suspected as long as there is no other",
     .entries = 1,
     .step = {{GREET, LAST_MAIL("421 no")}},
     .left = "W1",
     .suspect = true},
    {.name = "what two meet is",
     .entries = 3,
     .step = {{GREET, LAST_MAIL("421 no")}, {GREET, LAST_MAIL("421 no")}},
     .left = "W1 W1 W0",
     .failures = 1,
     .suspect = true},
    {.name = "a session that ends after some mail defers none",
     .entries = 2,
     .step = {{GREET, MESSAGE, LAST_MAIL("421 enough")}, {GREET, MESSAGE, QUIT}},
     .left = "G G"},
    {.name = "nor does one that ends before the next is begun",
     .entries = 2,
     .step = {{GREET, MAIL("250 ok"), RCPT("450 later"), {"RSET\r\n", "421 enough\r\n", 0, true}},
              {GREET, MESSAGE, QUIT}},
     .left = "W1 G"},
    {.name = "the caller's entry comes first, and overdue ones go along",
     .entries = 3,
     .first = true,
     .step = {{GREET, MESSAGE, MESSAGE, MESSAGE, QUIT}},
     .left = "G G G",
     .told = "S"},
    {.name = "its refusal is told, and makes no bounce",
     .entries = 2,
     .first = true,
     .step = {{GREET, MAIL("250 ok"), RCPT("550 5.1.1 no"), RSET, MESSAGE, QUIT}},
     .left = "G G",
     .told = "R"},
    {.name = "an overdue one that is refused bounces",
     .entries = 2,
     .first = true,
     .step = {{GREET, MESSAGE, MAIL("250 ok"), RCPT("550 5.1.1 no"), QUIT}},
     .left = "G G",
     .bounce = true,
     .told = "S"},
    {.name = "overdue entries are not worth a second connection",
     .entries = 3,
     .first = true,
     .step = {{GREET, MESSAGE, LAST_MAIL("421 enough")}},
     .left = "G W1 W0",
     .suspect = true,
     .told = "S"},
    {.name = "nor a failing account",
     .entries = 2,
     .first = true,
     .step = {{{NULL, "554 no\r\n", 0, false}}},
     .left = "W1 W0",
     .failures = 1,
     .told = "F"},
    {.name = "an account that is left alone is not tried for a caller",
     .entries = 2,
     .first = true,
     .open = true,
     .left = "W0 W0",
     .failures = 1,
     .told = "U"},
    {.name = "a person half opens the breaker",
     .entries = 1,
     .open = true,
     .cause = CAUSE_LOGIN,
     .urgency = DELIVERY_BY_PERSON,
     .step = {{GREET, MESSAGE, QUIT}},
     .left = "G"},
    {.name = "one of many users does not, so soon after a login",
     .entries = 1,
     .open = true,
     .cause = CAUSE_LOGIN,
     .urgency = DELIVERY_BY_USER,
     .left = "W0",
     .failures = 1},
    {.name = "but after a failure of the network",
     .entries = 1,
     .open = true,
     .urgency = DELIVERY_BY_USER,
     .step = {{GREET, MESSAGE, QUIT}},
     .left = "G"},
    {.name = "the account's rate ends a run",
     .entries = 3,
     .rate = "2/h",
     .step = {{GREET, MESSAGE, MESSAGE, QUIT}},
     .left = "G G W0"},
    {.name = "what was sent already is not sent again",
     .entries = 2,
     .settled = true,
     .step = {{GREET, MESSAGE, QUIT}},
     .left = "G G"},
    {.name = "nothing is sent where nothing can be noted",
     .entries = 2,
     .disk = "ro:1:/dev/null",
     .left = "W0 W0",
     .code = EX_IOERR},
    {.name = "too big is about the message",
     .entries = 2,
     .step = {{GREET, MAIL("552 5.3.4 too big"), RSET, MESSAGE, QUIT}},
     .left = "G G",
     .bounce = true},
};

/* The network of a story. */
static struct {
    const struct story *story;
    struct script script[CONNECTIONS_MAX];
    size_t connections, taken, heard;
    char told; /* see first_done() */
    char id[ENTRIES_MAX][ENTRYID_SIZE];
} world;

static struct stream *dial(void *context, const char *host, struct error *err)
{
    (void)context, (void)host, (void)err;
    assert_in_range(world.connections, 0, CONNECTIONS_MAX - 1);
    const struct script_step *step = world.story->step[world.connections];
    struct script *script = &world.script[world.connections++];
    size_t n = 0;
    while (n < STEPS_MAX && (step[n].write || step[n].read))
        n++;
    assert_int_not_equal(n, 0);
    script_start(script, step, n);
    return &script->stream;
}

static const char *next(void *context)
{
    (void)context;
    return world.taken < world.story->entries ? world.id[world.taken++] : NULL;
}

static bool is_awaited(void *context, const char *id)
{
    (void)context, (void)id;
    return world.story->awaited;
}

static void report_result(void *context, const char *id, const struct attempt *attempt)
{
    (void)context, (void)id;
    world.heard += attempt != NULL;
}

static void first_done(void *context, const struct attempt *attempt)
{
    (void)context;
    assert_int_equal(world.told, '\0'); /* once */
    world.told = !attempt                            ? 'U'
                 : delivery_verdict(attempt).refusal ? 'R'
                 : attempt->failed                   ? 'F'
                                                     : 'S';
}

static void open_breaker(struct mailworld *mail)
{
    const struct breaker_failure failure = {.cause = world.story->cause,
                                            .reason = "no",
                                            .ended = mailworld_now,
                                            .depends =
                                                circumstances_of(&mail->site, mail->account[0])};
    struct account_file file;
    assert_true(account_file_begin(&file, &mail->dir->spool, "work"));
    breaker_open(&file.state.breaker, &failure, 0);
    account_file_end(&file, true);
}

static void note_sent(struct mailworld *mail, const char *id)
{
    struct entry_lock lock = {0};
    assert_int_equal(spooldir_take(mail->dir, id, &lock), SPOOL_FOUND);
    journal_settle(&lock.journal, 0, JOURNAL_SENT, NULL);
    assert_true(entry_lock_save(&lock, &mail->dir->err));
    entry_lock_release(&lock);
}

static void look(struct spooldir *dir, const char *id, struct str *left)
{
    struct entry_lock lock = {0};
    str_add(left, left->len ? " " : "");
    if (spooldir_exists(dir, "failed", id))
        str_add(left, "K");
    else if (spooldir_take(dir, id, &lock) != SPOOL_FOUND)
        str_add(left, "G");
    else
        str_addf(left, "W%u", lock.journal.attempts);
    entry_lock_release(&lock);
}

static void check(struct spooldir *dir, const struct story *story)
{
    struct account_state known;
    struct str left = {0};
    char bounce[ENTRYID_SIZE];
    bool bounced = false;
    for (size_t i = 0; i < story->entries; i++) {
        look(dir, world.id[i], &left);
        assert_true(entryid_derive(bounce, world.id[i], 1));
        bounced = bounced || spooldir_exists(dir, "queue", bounce);
    }
    assert_string_equal(str_text(&left), story->left);
    assert_int_equal(bounced, story->bounce);
    assert_int_equal(world.told, story->told ? *story->told : '\0');
    assert_int_equal(world.heard, story->awaited ? story->entries : 0);
    account_state_read(&known, &dir->spool, "work");
    assert_int_equal(known.breaker.failures, story->failures);
    assert_int_equal(*known.suspect != 0, story->suspect);
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        if (story->step[i][0].write || story->step[i][0].read) {
            if (world.script[i].complaint.len)
                print_message("# wrote against the book at %s\n", world.script[i].complaint.data);
            assert_true(i < world.connections && script_played(&world.script[i]));
            script_clear(&world.script[i]);
        }
    str_clear(&left);
}

static void play(struct mailworld *mail, const struct story *story)
{
    struct entry_lock lock = {0};
    const struct identity identity = {.configured = mail->account[0], .account = mail->account[0]};
    struct worker_job job = {.delivery = &mail->delivery,
                             .account_name = "work",
                             .next = next,
                             .per_connection = 1000,
                             .urgency = story->urgency};
    size_t handled;
    memset(&world, 0, sizeof world);
    world.story = story;
    mail->options.dial = dial;
    mail->delivery.is_awaited = is_awaited;
    mail->delivery.report_result = report_result;
    for (size_t i = 0; i < story->entries; i++)
        assert_true(spooldir_submit(mail->dir, TEXT, 1, world.id[i], NULL));
    mailworld_later(world.id[0], story->later);
    if (story->open)
        open_breaker(mail);
    if (story->first) {
        assert_int_equal(spooldir_take(mail->dir, world.id[world.taken++], &lock), SPOOL_FOUND);
        job.first = &lock;
        job.first_done = first_done;
        job.identity = &identity;
    }
    if (story->rate)
        mailworld_set(mail, "rate", story->rate);
    if (story->settled)
        note_sent(mail, world.id[0]);
    if (story->disk)
        (void)setenv("ONEHOP_TEST_DISK", story->disk, 1);
    assert_int_equal(worker_run(&job, &handled), story->code);
    (void)unsetenv("ONEHOP_TEST_DISK");
    check(mail->dir, story);
}

static void entries_become_results(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof stories / sizeof *stories; i++) {
        struct mailworld mail;
        print_message("# %s\n", stories[i].name);
        mailworld_begin(&mail);
        play(&mail, &stories[i]);
        mailworld_end(&mail);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(entries_become_results)};
    return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}
