#include "suite.h"

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "queue/account_state.h"
#include "delivery/circumstances.h"
#include "delivery/runner.h"
#include "mailworld.h"
#include "memorystream.h"

enum { ENTRIES_MAX = 6, HOUR = 3600, PATIENCE = 60 * 1000 /* milliseconds */ };

/* What the providers have seen, in memory that the workers share: the host of each connection and
 * each recipient, in order. */
static struct seen {
    atomic_size_t connections, len;
    char words[4096];
    char told[4096]; /* what the delivery's `report_failure` was told, by one worker at a time */
} * seen;

static const char *host_down;     /* connecting to this one fails */
static int meeting[2] = {-1, -1}; /* a pipe: the first connection's mail waits for a second one */

static void note(const char *word)
{
    size_t n = strlen(word);
    size_t at = atomic_fetch_add(&seen->len, n + 1);
    if (at + n + 1 >= sizeof seen->words)
        abort();
    memcpy(seen->words + at, word, n);
    seen->words[at + n] = ' ';
}

/* A provider in memory. It takes mail for each recipient whose name does not say otherwise: "p..."
 * is refused permanently, "t..." for now, and "x..." kills the worker. */
struct server {
    struct stream stream;
    struct str in, out;
    size_t given;
    bool content;
};

static void answer_rcpt(struct server *p, const char *name, size_t len)
{
    char word[32];
    (void)snprintf(word, sizeof word, "%.*s", (int)len, name);
    note(word);
    if (*name == 'x')
        (void)raise(SIGKILL);
    str_add(&p->out, *name == 'p'   ? "550 5.1.1 no\r\n"
                     : *name == 't' ? "450 4.2.1 later\r\n"
                                    : "250 2.1.5 ok\r\n");
}

/* Another process has connected meanwhile, or the test fails. */
static void wait_for_second(void)
{
    char byte;
    struct pollfd ready = {.fd = meeting[0], .events = POLLIN};
    if (meeting[0] >= 0 && poll(&ready, 1, PATIENCE) == 1 && read(meeting[0], &byte, 1) == 1)
        assert_int_equal(write(meeting[1], "", 1), 1); /* for the others */
    else if (meeting[0] >= 0)
        note("alone");
}

static void answer(struct server *p, const char *line, size_t len)
{
    static unsigned messages; /* of this process */
    if (p->content && (len != 1 || *line != '.'))
        return;
    if (p->content) {
        p->content = false;
        if (++messages == 2)
            wait_for_second();
        str_add(&p->out, "250 2.0.0 ok\r\n");
    } else if (strncmp(line, "RCPT TO:<", 9) == 0) {
        answer_rcpt(p, line + 9, strcspn(line + 9, "@"));
    } else if (strncmp(line, "DATA", 4) == 0) {
        p->content = true;
        str_add(&p->out, "354 go\r\n");
    } else {
        str_add(&p->out, "250 mx\r\n");
    }
}

static ssize_t server_write(struct stream *s, const void *data, size_t len, struct error *err)
{
    struct server *p = (struct server *)s;
    const char *end, *line;
    (void)err;
    str_add_n(&p->in, data, len);
    for (line = p->in.data; (end = strstr(line, "\r\n")); line = end + 2)
        answer(p, line, (size_t)(end - line));
    str_consume(&p->in, (size_t)(line - p->in.data));
    return (ssize_t)len;
}

static ssize_t server_read(struct stream *s, void *buffer, size_t len, struct error *err)
{
    struct server *p = (struct server *)s;
    size_t left = p->out.len - p->given;
    (void)err;
    len = left < len ? left : len;
    memcpy(buffer, str_text(&p->out) + p->given, len);
    p->given += len;
    return len > 0 ? (ssize_t)len : STREAM_AGAIN;
}

static int server_wait(struct stream *s, int want, int64_t deadline, struct error *err)
{
    struct server *p = (struct server *)s;
    (void)deadline, (void)err;
    return want & (STREAM_WRITE | (p->given < p->out.len ? STREAM_READ : 0));
}

static void server_close(struct stream *s)
{
    struct server *p = (struct server *)s;
    str_clear(&p->in);
    str_clear(&p->out);
    free(p);
}

static const struct stream_ops server_ops = {server_read, server_write, server_wait,
                                             memorystream_descriptor, server_close};

static struct stream *dial(void *context, const char *host, struct error *err)
{
    (void)context;
    note(host);
    if (host_down && strcmp(host, host_down) == 0) {
        (void)error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL, "no route");
        return NULL;
    }
    if (atomic_fetch_add(&seen->connections, 1) == 1 && meeting[1] >= 0)
        assert_int_equal(write(meeting[1], "", 1), 1);
    struct server *p = calloc(1, sizeof *p);
    p->stream.ops = &server_ops;
    str_add(&p->out, "220 mx\r\n");
    return &p->stream;
}

/* A spool, one run, and what the providers have seen of it. */
static const struct story {
    const char *name;
    struct {
        const char *to;     /* the recipient's name */
        int64_t next;       /* the planned attempt, seconds from now */
        bool home;          /* of the other account */
        const char *sender; /* its name, NULL for the account's address */
    } entry[ENTRIES_MAX];
    struct {
        bool open;
        enum error_cause cause;
        int64_t ago; /* when the last one was, seconds */
    } breaker;       /* of the first account */
    struct runner_filter filter;
    const char *down; /* a host that cannot be reached */
    const char *disk; /* ONEHOP_TEST_DISK */
    const char *seen;
    size_t entries, failed; /* as the result says; in failed/ */
    unsigned failures;      /* of the breaker */
    bool spool_failed;
    const char *told; /* part of what is told of, NULL if nothing is */
} stories[] = {
    {.name = "nothing waits", .seen = ""},
    {.name = "in the order of the planned times",
     .entry = {{"r0", -10}, {"r1", -30}, {"r2", -20}, {"r3", -40}},
     .seen = "mx r3 r1 r2 r0 ",
     .entries = 4},
    {.name = "what is not due waits",
     .entry = {{"r0", -10}, {"r1", 600}},
     .seen = "mx r0 ",
     .entries = 1},
    {.name = "unless all is asked for",
     .entry = {{"r0", 600}, {"r1", -10}},
     .filter = {.ignore_times = true},
     .seen = "mx r1 r0 ",
     .entries = 2},
    {.name = "a time that only a wrong clock can have planned is due",
     .entry = {{"r0", 1000 * HOUR}},
     .seen = "mx r0 ",
     .entries = 1},
    {.name = "one recipient alone",
     .entry = {{"r0", -1}, {"r1", -1}},
     .filter = {.recipient = "R1@"},
     .seen = "mx r1 ",
     .entries = 1},
    {.name = "one account alone",
     .entry = {{"r0", -1}, {"r1", -1, .home = true}},
     .filter = {.account = "home"},
     .seen = "mx2 r1 ",
     .entries = 1},
    {.name = "what is refused bounces in the same run",
     .entry = {{"p0", -1}},
     .seen = "mx p0 mx me ",
     .entries = 2},
    {.name = "and a refused bounce is kept",
     .entry = {{"p0", -1, .sender = "pme"}},
     .seen = "mx p0 mx pme ",
     .entries = 2,
     .failed = 1},
    {.name = "what is deferred is not tried twice in a run",
     .entry = {{"t0", -2}, {"r1", -1}},
     .seen = "mx t0 r1 ",
     .entries = 2},
    {.name = "an account that cannot be reached opens its breaker",
     .entry = {{"r0", -2}, {"r1", -1}},
     .down = "mx",
     .seen = "mx ",
     .entries = 1,
     .failures = 1},
    {.name = "an account that fails is left alone",
     .entry = {{"r0", -1}},
     .breaker = {true, CAUSE_NETWORK, 10},
     .seen = "",
     .failures = 1},
    {.name = "until its probe is due",
     .entry = {{"r0", -1}},
     .breaker = {true, CAUSE_NETWORK, 60},
     .seen = "mx r0 ",
     .entries = 1},
    {.name = "-q in a crontab half opens it",
     .entry = {{"r0", -1}},
     .breaker = {true, CAUSE_NETWORK, 10},
     .filter = {.ignore_times = true},
     .seen = "mx r0 ",
     .entries = 1},
    {.name = "but not where the login was refused",
     .entry = {{"r0", -1}},
     .breaker = {true, CAUSE_LOGIN, 10},
     .filter = {.ignore_times = true},
     .seen = "",
     .failures = 1},
    {.name = "a person does",
     .entry = {{"r0", -1}},
     .breaker = {true, CAUSE_LOGIN, 10},
     .filter = {.ignore_times = true, .by_person = true},
     .seen = "mx r0 ",
     .entries = 1},
    {.name = "one of many users has to wait a minute",
     .entry = {{"r0", -1}},
     .breaker = {true, CAUSE_LOGIN, 10},
     .filter = {.ignore_times = true, .by_person = true, .has_uid = true, .uid = 1},
     .seen = "",
     .failures = 1},
    {.name = "and does then",
     .entry = {{"r0", -1}},
     .breaker = {true, CAUSE_LOGIN, 100},
     .filter = {.ignore_times = true, .by_person = true, .has_uid = true, .uid = 1},
     .seen = "mx r0 ",
     .entries = 1},
    {.name = "a message that kills its worker holds up no other",
     .entry = {{"x0", -3}, {"r1", -2}, {"r2", -1}},
     .seen = "mx x0 mx r1 r2 ",
     .entries = 2,
     .spool_failed = true,
     .told = "ended by signal 9"},
    {.name = "workers are replaced a few times and no more",
     .entry = {{"x0", -6}, {"x1", -5}, {"x2", -4}, {"x3", -3}, {"x4", -2}},
     .seen = "mx x0 mx x1 mx x2 mx x3 ",
     .spool_failed = true,
     .told = "ended by signal 9"},
    {.name = "nothing is sent where nothing can be noted",
     .entry = {{"r0", -2}, {"r1", -1}},
     .disk = "ro:1:/dev/null",
     .seen = "",
     .spool_failed = true,
     .told = "Read-only"},
};

static void tell(void *context, const struct error *err)
{
    (void)context;
    size_t len = strlen(seen->told);
    (void)snprintf(seen->told + len, sizeof seen->told - len, "%s\n", err->text);
}

/* Accepts a message; its next attempt is NEXT seconds from now. */
static void submit(struct mailworld *world, const char *to, const char *sender, bool home, char *id)
{
    struct entry entry = {.account = memory_copy(home ? "home" : "work"),
                          .from = memory_copy(""),
                          .has_uid = true,
                          .uid = 1};
    struct entry_writer writer;
    struct error *err = &world->dir->err;
    struct str address = {0};
    str_addf(&address, "%s@example.%s", sender ? sender : "me", home ? "net" : "org");
    envelope_set_sender(&entry.envelope, address.data);
    str_truncate(&address, 0);
    str_addf(&address, "%s@example.com", to);
    envelope_add(&entry.envelope, address.data);
    assert_true(entry_writer_begin(&writer, &world->dir->spool, &entry, err));
    assert_true(output_write(&writer.output, "S: x\r\n\r\nhi\r\n", 12, err));
    memcpy(id, writer.entry.id, ENTRYID_SIZE);
    assert_true(entry_writer_commit(&writer, NULL, err));
    entry_clear(&entry);
    str_clear(&address);
}

static void plan(struct mailworld *world, const char *id, int64_t next)
{
    struct entry_lock lock;
    struct error *err = &world->dir->err;
    assert_int_equal(spooldir_take(world->dir, id, &lock), SPOOL_FOUND);
    if (next > mailworld_now) { /* as an earlier attempt did */
        journal_attempt(&lock.journal, mailworld_now, next);
        assert_true(entry_lock_save(&lock, err));
    }
    assert_true(entry_lock_postpone(&lock, next, err));
    entry_lock_release(&lock);
}

static void open_breaker(struct mailworld *world, const struct story *story)
{
    const struct breaker_failure failure = {.cause = story->breaker.cause,
                                            .reason = "no",
                                            .ended = mailworld_now - story->breaker.ago,
                                            .depends =
                                                circumstances_of(&world->site, world->account[0])};
    struct account_file file;
    assert_true(account_file_begin(&file, &world->dir->spool, "work"));
    breaker_open(&file.state.breaker, &failure, 0);
    account_file_end(&file, true);
}

static void begin(struct mailworld *world)
{
    mailworld_begin(world);
    mailworld_set(world, "max_connections", "1");
    world->options.dial = dial;
    world->delivery.report_failure = tell;
    *seen->told = '\0';
    memset(seen->words, 0, sizeof seen->words);
    atomic_store(&seen->len, 0);
    atomic_store(&seen->connections, 0);
}

static size_t count_failed(struct mailworld *world, char id[][ENTRYID_SIZE], size_t n)
{
    size_t found = 0;
    for (size_t i = 0; i < n; i++) {
        char bounce[ENTRYID_SIZE];
        assert_true(entryid_derive(bounce, id[i], 1));
        found += spooldir_exists(world->dir, "failed", id[i]) +
                 spooldir_exists(world->dir, "failed", bounce);
    }
    return found;
}

static void play(const struct story *story)
{
    struct mailworld world;
    struct runner_result result;
    struct runner_filter filter = story->filter;
    struct account_state known;
    char id[ENTRIES_MAX][ENTRYID_SIZE];
    size_t n = 0;
    begin(&world);
    for (; n < ENTRIES_MAX && story->entry[n].to; n++)
        submit(&world, story->entry[n].to, story->entry[n].sender, story->entry[n].home, id[n]);
    if (n > 0)
        mailworld_later(id[0], 60);
    for (size_t i = 0; i < n; i++)
        plan(&world, id[i], mailworld_now + story->entry[i].next);
    if (story->breaker.open)
        open_breaker(&world, story);
    filter.id = filter.id ? filter.id : "";
    filter.account = filter.account ? filter.account : "";
    filter.recipient = filter.recipient ? filter.recipient : "";
    filter.sender = filter.sender ? filter.sender : "";
    host_down = story->down;
    if (story->disk)
        (void)setenv("ONEHOP_TEST_DISK", story->disk, 1);
    assert_true(runner_run(&world.delivery, &filter, &result, &world.dir->err));
    (void)unsetenv("ONEHOP_TEST_DISK");
    host_down = NULL;
    assert_string_equal(seen->words, story->seen);
    assert_int_equal(result.entries, story->entries);
    assert_int_equal(result.failed, story->spool_failed);
    if (story->told)
        assert_non_null(strstr(seen->told, story->told));
    else
        assert_string_equal(seen->told, "");
    assert_int_equal(count_failed(&world, id, n), story->failed);
    account_state_read(&known, &world.dir->spool, "work");
    assert_int_equal(known.breaker.failures, story->failures);
    mailworld_end(&world);
}

static void a_run_delivers_what_is_due(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof stories / sizeof *stories; i++) {
        print_message("# %s\n", stories[i].name);
        play(&stories[i]);
    }
}

static const struct runner_filter everything = {
    .id = "", .account = "", .recipient = "", .sender = "", .ignore_times = true};

/* The first worker of an account connects alone; the others follow when a message went through. */
static void workers_follow_when_a_message_went_through(void **state)
{
    (void)state;
    struct mailworld world;
    struct runner_result result;
    char id[12][ENTRYID_SIZE];
    begin(&world);
    mailworld_set(&world, "max_connections", "3");
    for (size_t i = 0; i < 12; i++)
        submit(&world, "r", NULL, false, id[i]);
    mailworld_later(id[0], 60);
    assert_int_equal(pipe(meeting), 0);
    assert_true(runner_run(&world.delivery, &everything, &result, &world.dir->err));
    for (size_t i = 0; i < 2; i++) {
        close(meeting[i]);
        meeting[i] = -1;
    }
    assert_int_equal(result.entries, 12);
    assert_false(result.failed);
    assert_memory_equal(seen->words, "mx r ", 5);
    assert_null(strstr(seen->words, "alone"));
    assert_in_range(atomic_load(&seen->connections), 2, 3);
    mailworld_end(&world);
}

static void accounts_do_not_wait_for_each_other(void **state)
{
    (void)state;
    struct mailworld world;
    struct runner_result result;
    char id[2][ENTRYID_SIZE];
    begin(&world);
    submit(&world, "r0", NULL, false, id[0]);
    submit(&world, "r1", NULL, true, id[1]);
    mailworld_later(id[0], 60);
    host_down = "mx";
    assert_true(runner_run(&world.delivery, &everything, &result, &world.dir->err));
    host_down = NULL;
    assert_int_equal(result.entries, 2);
    assert_true(spooldir_exists(world.dir, "queue", id[0]));
    assert_false(spooldir_exists(world.dir, "queue", id[1]));
    mailworld_end(&world);
}

/* What is in the spool and is no mail, or is none any more. */
static void a_run_cleans_up_and_says_what_it_leaves(void **state)
{
    (void)state;
    struct mailworld world;
    struct runner_result result;
    char id[3][ENTRYID_SIZE];
    begin(&world);
    submit(&world, "r0", NULL, false, id[0]);
    mailworld_later(id[0], 60);
    assert_true(spool_new_id(&world.dir->spool, id[1], &world.dir->err));
    assert_true(spool_new_id(&world.dir->spool, id[2], &world.dir->err));
    spooldir_put(world.dir, "queue", id[1], "rubbish", 7);
    spooldir_put(world.dir, "queue", "core", "dump", 4);
    spooldir_put(world.dir, "tmp", id[2], "half", 4);
    spooldir_put(world.dir, "journal", id[2], "", 0);
    assert_true(runner_run(&world.delivery, &everything, &result, &world.dir->err));
    assert_string_equal(seen->words, "mx r0 ");
    assert_int_equal(result.entries, 2);
    assert_true(spooldir_exists(world.dir, "failed", id[1]));
    assert_true(spooldir_exists(world.dir, "queue", "core"));
    assert_false(spooldir_exists(world.dir, "tmp", id[2]));
    assert_false(spooldir_exists(world.dir, "journal", id[2]));
    assert_non_null(strstr(seen->told, "core among them"));
    mailworld_end(&world);
}

static void a_filter_takes_what_fits_in_all_respects(void **state)
{
    (void)state;
    static const struct {
        struct runner_filter filter;
        bool wanted;
    } rows[] = {
        {{.account = "", .recipient = "", .sender = ""}, true},
        {{.account = "work", .recipient = "", .sender = ""}, true},
        {{.account = "Work", .recipient = "", .sender = ""}, false},
        {{.account = "", .recipient = "r1@", .sender = ""}, true},
        {{.account = "", .recipient = "R1@EXAMPLE", .sender = ""}, true},
        {{.account = "", .recipient = "r2@", .sender = ""}, false},
        {{.account = "", .recipient = "", .sender = "example.org"}, true},
        {{.account = "", .recipient = "", .sender = "example.com"}, false},
        {{.account = "", .recipient = "r1", .sender = "you"}, false},
        {{.account = "", .recipient = "", .sender = "", .has_uid = true, .uid = 33}, true},
        {{.account = "", .recipient = "", .sender = "", .has_uid = true, .uid = 0}, false},
    };
    struct entry entry;
    spooldir_fill(&entry, 2);
    entry.has_uid = true;
    entry.uid = 33;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        print_message("# %zu\n", i);
        assert_int_equal(runner_wants(&rows[i].filter, &entry), rows[i].wanted);
    }
    entry.has_uid = false;
    const struct runner_filter root = {
        .account = "", .recipient = "", .sender = "", .has_uid = true, .uid = 0};
    assert_false(runner_wants(&root, &entry)); /* nobody's is not root's */
    entry_clear(&entry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_delivers_what_is_due),
        cmocka_unit_test(workers_follow_when_a_message_went_through),
        cmocka_unit_test(accounts_do_not_wait_for_each_other),
        cmocka_unit_test(a_run_cleans_up_and_says_what_it_leaves),
        cmocka_unit_test(a_filter_takes_what_fits_in_all_respects),
    };
    seen = mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (seen == MAP_FAILED)
        return EX_OSERR;
    return cmocka_run_group_tests_name("runner", tests, NULL, NULL);
}
