/* The promises of queue/spool.h, tried at every file call in turn: killed there, torn there,
 * failing there. Each story is told by a child in a spool of its own; then a clean run shows what
 * is left.
 *
 *   - A submitter that ended with 0: the message is delivered, byte for byte, once.
 *   - One that ended with 75: it is never delivered.
 *   - One that was killed: it is delivered whole, or not at all.
 *   - A deliverer that was killed or had a call fail: every recipient gets the message, and at most
 *     one transaction, the one in flight, is repeated; the refused recipient is bounced.
 *   - In any case the next run finds nothing locked, nothing half done, and can submit again.
 *
 * CRASH=full tries more kinds of errors, and every call of a delivery; the short form takes each
 * sixth of these, starting elsewhere for each kind. Speaks TAP. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/str.h"
#include "queue/bounce.h"
#include "queue/entry_lock.h"
#include "queue/entry_writer.h"
#include "queue/recovery.h"
#include "queue/scan.h"
#include "queue/spool.h"

#include "faults.h"

enum { CONTENT = 150000, CALLS_MAX = 1000, DELIVERED = 32, SHORT_STEP = 6 };

/* What the imaginary provider has taken. Shared by all children of a story through a file. */
struct world {
    char root[64], path[80], log[80];
};

/* Without this a story would count the calls of the provider as the spool's. */
static void deliver_to_provider(const struct world *world, char what)
{
    struct faults saved = *faults();
    *faults() = (struct faults){0};
    int fd = open(world->log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (fd < 0 || write(fd, &what, 1) != 1 || close(fd) != 0)
        abort();
    *faults() = saved;
}

static void fill_content(char *content)
{
    for (size_t i = 0; i < CONTENT; i++)
        content[i] = (char)('a' + i * i % 23);
}

static bool submit(const struct world *world, struct error *err)
{
    char *content = memory_new(CONTENT);
    struct spool spool = {0};
    struct entry_writer writer = {0};
    struct entry entry = {.account = memory_copy("work")};
    envelope_set_sender(&entry.envelope, "me@example.org");
    envelope_add(&entry.envelope, "sent@example.com");
    envelope_add(&entry.envelope, "refused@example.com");
    envelope_add(&entry.envelope, "later@example.com");
    fill_content(content);
    bool ok = spool_open(&spool, world->path, true, err) &&
              entry_writer_begin(&writer, &spool, &entry, err);
    for (size_t at = 0; ok && at < CONTENT; at += 1000)
        ok = output_write(&writer.output, content + at, 1000, err);
    ok = ok && entry_writer_commit(&writer, NULL, err);
    entry_writer_drop(&writer);
    spool_close(&spool);
    entry_clear(&entry);
    free(content);
    return ok;
}

/* The provider takes the message, and looks at it closely. False: it could not be read, and the
 * provider got nothing. */
static bool deliver(const struct world *world, const struct entry_lock *lock, char what,
                    struct error *err)
{
    char *content = memory_new(CONTENT), *found = memory_new(CONTENT + 1);
    struct content_cursor from = {.content = &lock->content};
    size_t got = 0;
    fill_content(content);
    bool ok = content_read(&from, found, CONTENT + 1, &got, err);
    bool whole = got == CONTENT && memcmp(content, found, CONTENT) == 0;
    if (ok)
        deliver_to_provider(world, whole ? what : '!');
    free(content);
    free(found);
    return ok;
}

static bool make_bounce(struct entry_lock *lock, struct error *err)
{
    struct bounce bounce = {.original = &lock->entry,
                            .journal = &lock->journal,
                            .content = &lock->content,
                            .from = "me@example.org",
                            .to = lock->entry.envelope.sender,
                            .host = "host",
                            .provider = "",
                            .date = "now",
                            .arrival = "then"};
    struct entry entry = {0};
    struct entry_writer writer = {0};
    if (!bounce_entry(&bounce, &entry, err))
        return false;
    bounce.id = entry.id;
    bool ok = spool_has(lock->spool, entry.id);
    if (!ok)
        ok = entry_writer_begin(&writer, lock->spool, &entry, err) &&
             bounce_write(&bounce, &writer.output, &writer.entry.has_8bit,
                          &writer.entry.has_8bit_header, err) &&
             entry_writer_commit(&writer, NULL, err);
    entry_writer_drop(&writer);
    entry_clear(&entry);
    if (ok)
        journal_bounced(&lock->journal, lock->journal.bounces + 1);
    return ok && entry_lock_save(lock, err);
}

/* The first attempt: one recipient takes it, one refuses it, one is put off. */
static bool attempt(const struct world *world, struct entry_lock *lock, struct error *err)
{
    struct journal *journal = &lock->journal;
    const struct error refusal = {.class = ERROR_PERMANENT, .code = 67}, later = {.code = 75};
    if (entry_lock_begin(lock, 1000, err) != ENTRY_LOCK_BEGUN) {
        entry_lock_release(lock);
        return false;
    }
    if (*lock->entry.bounce_of) {
        deliver_to_provider(world, 'b');
        return entry_lock_remove(lock, err);
    }
    bool first = journal->rcpt[1].status == JOURNAL_WAITING;
    if (journal->rcpt[0].status == JOURNAL_WAITING && !deliver(world, lock, 's', err)) {
        entry_lock_release(lock);
        return false;
    }
    journal_settle(journal, 0, JOURNAL_SENT, NULL);
    journal_settle(journal, 1, JOURNAL_FAILED, &refusal);
    if (first) {
        journal_settle(journal, 2, JOURNAL_WAITING, &later);
        journal_attempt(journal, 1000, 2000);
    } else if (journal->rcpt[2].status == JOURNAL_WAITING) {
        if (!deliver(world, lock, 'l', err)) {
            entry_lock_release(lock);
            return false;
        }
        journal_settle(journal, 2, JOURNAL_SENT, NULL);
    }
    bool done = journal_count(journal, JOURNAL_WAITING) == 0;
    bool ok =
        entry_lock_save(lock, err) && (journal_unbounced(journal) == 0 || make_bounce(lock, err));
    if (ok && done)
        return entry_lock_remove(lock, err);
    ok = ok && entry_lock_postpone(lock, 2000, err);
    entry_lock_release(lock);
    return ok;
}

/* One run over all that is there, which ends where something can't be noted: to go on delivering
 * then would repeat more than the transaction in flight. *LEFT counts what is still queued or
 * strange. */
static bool run(const struct world *world, size_t *left, struct error *err)
{
    struct spool spool = {0};
    struct scan scan = {0};
    bool ok = spool_open(&spool, world->path, true, err) && recovery_run(&spool, NULL, err) &&
              scan_read(&scan, &spool, SPOOL_QUEUE, err);
    for (size_t i = 0; ok && i < scan.n; i++) {
        struct entry_lock lock = {0};
        enum spool_found result = entry_lock_take(&lock, &spool, SPOOL_QUEUE, scan.item[i].id, err);
        if (result == SPOOL_FOUND)
            ok = attempt(world, &lock, err);
        else
            ok = false;
    }
    *left = scan.n + scan.foreign;
    scan_clear(&scan);
    for (int directory = SPOOL_TMP; ok && directory <= SPOOL_JOURNAL; directory++) {
        ok = scan_read(&scan, &spool, (enum spool_directory)directory, err);
        *left += directory == SPOOL_QUEUE || directory == SPOOL_JOURNAL ? 0 : scan.n + scan.foreign;
        scan_clear(&scan);
    }
    ok = spool.path && spool_sync(&spool, err) && ok;
    spool_close(&spool);
    return ok;
}

/* Stories. */

static bool no_preparation(const struct world *world)
{
    (void)world;
    return true;
}

static bool prepare_spool(const struct world *world)
{
    struct error err;
    size_t left;
    return run(world, &left, &err);
}

static bool prepare_entry(const struct world *world)
{
    struct error err;
    return submit(world, &err);
}

static int tell_submission(const struct world *world)
{
    struct error err = {0};
    return submit(world, &err) ? EX_OK : err.code;
}

/* Runs until nothing is left, and goes on where something goes wrong, as the next runs do. */
static int tell_delivery(const struct world *world)
{
    struct error err = {0};
    size_t left = 1;
    bool ok = true;
    for (int i = 0; i < 6 && (left > 0 || !ok); i++)
        ok = run(world, &left, &err);
    return !ok ? EX_TEMPFAIL : left == 0 ? EX_OK : EX_SOFTWARE;
}

static const struct story {
    const char *name;
    bool (*prepare)(const struct world *world);
    int (*tell)(const struct world *world);
    bool submits;
} stories[] = {
    {"the first submission", no_preparation, tell_submission, true},
    {"a submission", prepare_spool, tell_submission, true},
    {"delivery", prepare_entry, tell_delivery, false},
};

static int remove_one(const char *path, const struct stat *facts, int kind, struct FTW *ftw)
{
    (void)facts;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static void begin_world(struct world *world)
{
    /* In memory where possible: what is tried here are the calls, thousands of them, not a disk. */
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    (void)snprintf(world->root, sizeof world->root, "%s/onehop-crash-XXXXXX", base);
    if (!mkdtemp(world->root))
        abort();
    (void)snprintf(world->path, sizeof world->path, "%s/a/spool", world->root);
    (void)snprintf(world->log, sizeof world->log, "%s/log", world->root);
}

/* How often the provider took each kind: s(ent), l(ater), b(ounce), '!' for a damaged one. */
static void read_log(const struct world *world, unsigned count[128])
{
    char text[DELIVERED];
    memset(count, 0, 128 * sizeof *count);
    int fd = open(world->log, O_RDONLY);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text) : 0;
    for (ssize_t i = 0; i < n; i++)
        count[(unsigned char)text[i] & 127]++;
    if (fd >= 0)
        (void)close(fd);
}

/* Tells STORY in a child with the fault. Returns its exit status, -1 if it was killed. *CALLS gets
 * how many calls it made, if it lived. */
static int tell(const struct story *story, const struct world *world, const struct faults *fault,
                struct faults *seen)
{
    int pipes[2], status;
    if (pipe(pipes) != 0)
        abort();
    pid_t child = fork();
    if (child < 0)
        abort();
    if (child == 0) {
        *faults() = *fault;
        int code = story->tell(world);
        struct faults done = *faults();
        *faults() = (struct faults){0};
        if (write(pipes[1], &done, sizeof done) != (ssize_t)sizeof done)
            abort();
        _exit(code);
    }
    (void)close(pipes[1]);
    struct faults got = {0};
    ssize_t n = 0, step;
    while ((step = read(pipes[0], (char *)&got + n, sizeof got - (size_t)n)) > 0)
        n += step;
    (void)close(pipes[0]);
    if (waitpid(child, &status, 0) != child)
        abort();
    if (seen && n == (ssize_t)sizeof got)
        *seen = got;
    return WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status) == SIGKILL ? -1 : -2;
}

/* Says what is wrong with what the story left, or NULL. */
static const char *judge(const struct story *story, const struct world *world,
                         const struct faults *fault, int status)
{
    unsigned count[128];
    struct error err;
    if (status != EX_OK && status != EX_TEMPFAIL && status != -1)
        return "an exit status that means nothing";
    if (story->submits) {
        read_log(world, count);
        if (count['s'] + count['l'] + count['b'] > 0)
            return "something was delivered by a submission";
    }
    if (tell_delivery(world) != EX_OK)
        return "the next run did not work, or left something";
    read_log(world, count);
    if (count['!'] > 0)
        return "a damaged message was delivered";
    bool whole = count['s'] >= 1 && count['l'] >= 1 && count['b'] >= 1;
    bool nothing = count['s'] + count['l'] + count['b'] == 0;
    if (!whole && (!story->submits || status == EX_OK))
        return "an accepted message was lost";
    if (!whole && !nothing)
        return "a message was delivered by half";
    /* When from one moment on nothing can be changed any more, a rename cannot be taken back. */
    if (status == EX_TEMPFAIL && story->submits && !nothing && fault->kind != FAULT_FROM_NOW)
        return "a refused message was delivered";
    if (whole && count['s'] + count['l'] + count['b'] > 4)
        return "more than one transaction was repeated";
    if (whole && story->submits && count['s'] + count['l'] + count['b'] > 3)
        return "a message was delivered twice";
    if (!submit(world, &err))
        return "the next submission did not work";
    return NULL;
}

/* One fault at each call in turn, or at every STEPth from FIRST on. Returns how many were tried, 0
 * if something is wrong. */
static unsigned try_everywhere(const struct story *story, enum fault_kind kind, int number,
                               unsigned first, unsigned step)
{
    for (unsigned at = first, tried = 0; at < CALLS_MAX; at += step, tried++) {
        struct faults fault = {.kind = kind, .at = at, .number = number}, seen = {0};
        struct world world;
        begin_world(&world);
        if (!story->prepare(&world))
            abort();
        int status = tell(story, &world, &fault, &seen);
        const char *wrong = judge(story, &world, &fault, status);
        (void)nftw(world.root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        if (wrong) {
            printf("# %s: kind %d, errno %d, call %u of: %s\n# ended with %d: %s\n", story->name,
                   (int)kind, number, at, seen.trace, status, wrong);
            return 0;
        }
        if (status != -1 && seen.count < at)
            return tried;
    }
    return 0;
}

/* Data before its name, the name before success: what is said of it in spool.h. */
static bool order_is_kept(void)
{
    struct world world;
    struct faults none = {0}, seen = {0};
    begin_world(&world);
    bool ok = prepare_spool(&world) && tell(&stories[1], &world, &none, &seen) == EX_OK;
    (void)nftw(world.root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    static const char wanted[] = "create write write write fsync renameat2 fsync-dir ";
    if (!ok || strcmp(seen.trace, wanted) != 0)
        printf("# wanted %s\n# got    %s\n", wanted, seen.trace);
    return ok && strcmp(seen.trace, wanted) == 0;
}

int main(void)
{
    static const struct {
        const char *name;
        enum fault_kind kind;
        int number;
        bool always;
    } kinds[] = {
        {"killed", FAULT_KILL, 0, true},
        {"torn", FAULT_TEAR, 0, true},
        {"no space", FAULT_FAIL_HALF, ENOSPC, true},
        {"I/O error", FAULT_FAIL, EIO, true},
        {"interrupted", FAULT_FAIL, EINTR, true},
        {"read-only from now on", FAULT_FROM_NOW, EROFS, true},
        {"full from now on", FAULT_FULL, ENOSPC, true},
        {"over quota", FAULT_FAIL_HALF, EDQUOT, false},
        {"too many files", FAULT_FAIL, EMFILE, false},
        {"no memory", FAULT_FAIL, ENOMEM, false},
        {"not permitted", FAULT_FAIL, EACCES, false},
        {"disk gone from now on", FAULT_FROM_NOW, EIO, false},
    };
    const char *crash = getenv("CRASH");
    bool full = crash && strcmp(crash, "full") == 0;
    unsigned n = 1, failed = 0;
    failed += !order_is_kept();
    printf("%sok %u - data, rename, directory, success\n", failed ? "not " : "", n);
    for (size_t i = 0; i < sizeof stories / sizeof *stories; i++)
        for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
            if (!kinds[k].always && !full)
                continue;
            unsigned calls =
                try_everywhere(&stories[i], kinds[k].kind, kinds[k].number,
                               full || stories[i].submits ? 1 : 1 + (unsigned)k % SHORT_STEP,
                               full || stories[i].submits ? 1 : SHORT_STEP);
            failed += calls == 0;
            printf("%sok %u - %s: %s at %u calls\n", calls ? "" : "not ", ++n, stories[i].name,
                   kinds[k].name, calls);
            (void)fflush(stdout);
        }
    printf("1..%u\n", n);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
