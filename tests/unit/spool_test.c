#include "suite.h"

#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <time.h>

#include "base/clock.h"
#include "queue/account_state.h"
#include "queue/recovery.h"
#include "queue/scan.h"
#include "queue/slots.h"
#include "queue/spoolfile.h"
#include "spooldir.h"

static const char text[] = "Subject: x\r\n\r\nhello\r\n";

static void assert_content(const struct entry_lock *lock, const char *wanted, size_t len)
{
    struct content_cursor from = {.content = &lock->content};
    struct error err;
    char *buffer = malloc(len + 1);
    size_t got;
    assert_int_equal(lock->content.size, len);
    assert_true(content_read(&from, buffer, len + 1, &got, &err));
    assert_int_equal(got, len);
    assert_memory_equal(buffer, wanted, len);
    free(buffer);
}

static void what_is_accepted_comes_back(void **state)
{
    struct spooldir *dir = *state;
    struct entry_lock lock = {0};
    char id[ENTRYID_SIZE];
    assert_true(spooldir_submit(dir, text, 3, id, &lock));
    assert_content(&lock, text, strlen(text));
    assert_true(spooldir_exists(dir, "queue", id));
    assert_false(spooldir_exists(dir, "tmp", id));
    struct entry_lock other;
    assert_int_equal(spooldir_take(dir, id, &other), SPOOL_BUSY); /* held through the first try */
    entry_lock_release(&lock);
    entry_lock_release(&lock);
    assert_int_equal(spooldir_take(dir, id, &lock), SPOOL_FOUND);
    assert_string_equal(lock.entry.envelope.rcpt[2].address, "r2@example.com");
    assert_content(&lock, text, strlen(text));
    assert_true(entry_lock_remove(&lock, &dir->err));
    assert_int_equal(spooldir_take(dir, id, &lock), SPOOL_GONE);
    assert_true(spool_sync(&dir->spool, &dir->err));
}

static void sizes_around_every_buffer_come_back(void **state)
{
    struct spooldir *dir = *state;
    static const size_t sizes[] = {0,     1,     65000,  65300,  65400,
                                   65536, 65537, 131072, 200001, 1000003};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *big = memory_new(sizes[i] + 1), id[ENTRYID_SIZE];
        for (size_t k = 0; k < sizes[i]; k++)
            big[k] = (char)('a' + k * 31 % 26);
        struct entry_lock lock;
        assert_true(spooldir_submit(dir, big, 1, id, NULL));
        assert_int_equal(spooldir_take(dir, id, &lock), SPOOL_FOUND);
        assert_content(&lock, big, sizes[i]);
        assert_true(entry_lock_remove(&lock, &dir->err));
        free(big);
    }
}

static void ten_thousand_recipients_come_back(void **state)
{
    struct spooldir *dir = *state;
    char id[ENTRYID_SIZE];
    struct entry_lock lock;
    assert_true(spooldir_submit(dir, text, 10000, id, NULL));
    assert_int_equal(spooldir_take(dir, id, &lock), SPOOL_FOUND);
    assert_int_equal(lock.entry.envelope.n, 10000);
    assert_string_equal(lock.entry.envelope.rcpt[9999].address, "r9999@example.com");
    assert_content(&lock, text, strlen(text));
    entry_lock_release(&lock);
}

static void an_envelope_without_recipients_is_no_entry(void **state)
{
    struct spooldir *dir = *state;
    struct entry entry;
    struct entry_writer writer;
    spooldir_fill(&entry, 0);
    assert_false(entry_writer_begin(&writer, &dir->spool, &entry, &dir->err));
    assert_int_equal(dir->err.class, ERROR_PERMANENT);
    entry_clear(&entry);
}

static void a_draft_that_is_dropped_leaves_nothing(void **state)
{
    struct spooldir *dir = *state;
    struct entry entry;
    struct entry_writer writer;
    spooldir_fill(&entry, 1);
    assert_true(entry_writer_begin(&writer, &dir->spool, &entry, &dir->err));
    assert_true(output_write(&writer.output, text, 5, &dir->err));
    char id[ENTRYID_SIZE];
    memcpy(id, writer.entry.id, sizeof id);
    assert_true(spooldir_exists(dir, "tmp", id));
    size_t removed = 9;
    assert_true(recovery_run(&dir->spool, &removed, &dir->err));
    assert_int_equal(removed, 0); /* somebody is writing it */
    entry_writer_drop(&writer);
    entry_writer_drop(&writer);
    assert_false(spooldir_exists(dir, "tmp", id));
    assert_false(spooldir_exists(dir, "queue", id));
    assert_true(entry_writer_begin(&writer, &dir->spool, &entry, &dir->err));
    entry_writer_discard(&writer); /* a signal came */
    assert_false(entry_writer_commit(&writer, NULL, &dir->err));
    assert_int_equal(dir->err.code, EX_TEMPFAIL);
    entry_clear(&entry);
}

static void a_file_that_may_not_grow_is_not_accepted(void **state)
{
    struct spooldir *dir = *state;
    struct rlimit old, new;
    char id[ENTRYID_SIZE], *big = memory_new(300001);
    memset(big, 'x', 300000);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, SIG_IGN);
    new = old;
    new.rlim_cur = 100000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &new), 0);
    bool ok = spooldir_submit(dir, big, 1, id, NULL);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_false(ok);
    assert_int_equal(dir->err.code, EX_TEMPFAIL);
    free(big);
    struct scan scan = {0};
    assert_true(scan_read(&scan, &dir->spool, SPOOL_TMP, &dir->err));
    assert_int_equal(scan.n, 0);
    scan_clear(&scan);
}

static void a_hostile_umask_changes_nothing(void **state)
{
    struct spooldir *dir = *state;
    char id[ENTRYID_SIZE], path[200];
    struct stat facts;
    struct spool spool;
    mode_t old = umask(0777);
    snprintf(path, sizeof path, "%s/a/b/c", dir->path);
    bool opened = spool_open(&spool, path, true, &dir->err);
    bool submitted = spooldir_submit(dir, text, 1, id, NULL);
    umask(old);
    assert_true(opened && submitted);
    spool_close(&spool);
    spool_close(&spool);
    assert_int_equal(stat(spooldir_path(dir, "queue", id), &facts), 0);
    assert_int_equal(facts.st_mode & 07777, 0600);
    assert_int_equal(stat(spooldir_path(dir, "a/b/c", "queue"), &facts), 0);
    assert_int_equal(facts.st_mode & 07777, 0700);
}

static void a_spool_others_may_write_to_is_refused(void **state)
{
    struct spooldir *dir = *state;
    struct spool spool;
    assert_int_equal(chmod(dir->path, 0770), 0);
    assert_false(spool_open(&spool, dir->path, true, &dir->err));
    assert_non_null(strstr(dir->err.text, "0770"));
    assert_int_equal(chmod(dir->path, 0700), 0);
    char path[200];
    snprintf(path, sizeof path, "%s/none", dir->path);
    assert_false(spool_open(&spool, path, false, &dir->err));
    assert_int_equal(errno, ENOENT);
    assert_null(spool.path);
}

static void a_spool_of_another_format_is_left_alone(void **state)
{
    struct spooldir *dir = *state;
    struct spool spool;
    spooldir_put(dir, ".", "format", "onehop-spool 2\n", 15);
    assert_false(spool_open(&spool, dir->path, true, &dir->err));
    assert_int_equal(dir->err.code, EX_TEMPFAIL);
    spooldir_put(dir, ".", "format", "onehop", 6); /* torn */
    assert_true(spool_open(&spool, dir->path, true, &dir->err));
    spool_close(&spool);
    assert_true(spool_open(&spool, dir->path, false, &dir->err));
    spool_close(&spool);
}

/* Any one bit of an entry that differs sends it to failed/, with a note, and nothing else. */
static void foreign_files_are_left_and_counted(void **state)
{
    struct spooldir *dir = *state;
    char id[ENTRYID_SIZE];
    spooldir_put(dir, "queue", "README", "x", 1);
    assert_int_equal(mkfifo(spooldir_path(dir, "queue", "0000000000000f0"), 0600), 0);
    assert_int_equal(symlink("/etc/passwd", spooldir_path(dir, "queue", "0000000000000s0")), 0);
    assert_int_equal(symlink("nowhere", spooldir_path(dir, "queue", "0000000000000t0")), 0);
    assert_int_equal(mkdir(spooldir_path(dir, "queue", "0000000000000d0"), 0700), 0);
    assert_true(spooldir_submit(dir, text, 1, id, NULL));
    struct scan scan = {0};
    assert_true(scan_read(&scan, &dir->spool, SPOOL_QUEUE, &dir->err));
    assert_int_equal(scan.n, 1);
    assert_int_equal(scan.foreign, 5);
    assert_string_equal(scan.item[0].id, id);
    scan_clear(&scan);
    struct entry_lock lock;
    assert_int_equal(spooldir_take(dir, "0000000000000f0", &lock), SPOOL_FOREIGN);
    assert_int_equal(spooldir_take(dir, "0000000000000s0", &lock), SPOOL_FOREIGN);
    assert_int_equal(spooldir_take(dir, "0000000000000t0", &lock), SPOOL_FOREIGN);
    assert_int_equal(spooldir_take(dir, "0000000000000d0", &lock), SPOOL_FOREIGN);
    assert_int_equal(spooldir_take(dir, "../format", &lock), SPOOL_FOREIGN);
    assert_true(spooldir_exists(dir, "queue", "0000000000000f0"));
}

static void leftovers_go_and_live_files_stay(void **state)
{
    struct spooldir *dir = *state;
    struct entry entry;
    struct entry_writer writer;
    char id[ENTRYID_SIZE];
    struct entry_lock lock;
    size_t removed;
    spooldir_put(dir, "tmp", "000000000000010", "half", 4);
    spooldir_put(dir, "tmp", "not-an-id", "x", 1);
    spooldir_put(dir, "journal", "000000000000020", "x", 1);
    spooldir_fill(&entry, 1);
    assert_true(entry_writer_begin(&writer, &dir->spool, &entry, &dir->err));
    assert_true(spooldir_submit(dir, text, 1, id, &lock));
    journal_note(&lock.journal, "kept");
    assert_true(entry_lock_move(&lock, SPOOL_HOLD, NULL, &dir->err));
    assert_true(recovery_run(&dir->spool, &removed, &dir->err));
    assert_int_equal(removed, 2);
    assert_true(spooldir_exists(dir, "tmp", writer.entry.id));
    assert_true(spooldir_exists(dir, "tmp", "not-an-id"));
    assert_true(spooldir_exists(dir, "journal", id));
    entry_writer_drop(&writer);
    entry_clear(&entry);
}

static void the_same_bounce_cannot_be_made_twice(void **state)
{
    struct spooldir *dir = *state;
    struct entry entry;
    spooldir_fill(&entry, 1);
    memcpy(entry.id, "000000000000011", ENTRYID_SIZE);
    spooldir_put(dir, "tmp", entry.id, "left by a crash", 15);
    for (int i = 0; i < 2; i++) {
        struct entry_writer writer;
        struct entry_lock lock = {0};
        assert_true(entry_writer_begin(&writer, &dir->spool, &entry, &dir->err));
        assert_true(output_write(&writer.output, text, strlen(text), &dir->err));
        assert_true(entry_writer_commit(&writer, &lock, &dir->err));
        assert_true((lock.spool != NULL) == (i == 0));
        entry_lock_release(&lock);
    }
    struct scan scan = {0};
    assert_true(scan_read(&scan, &dir->spool, SPOOL_QUEUE, &dir->err));
    assert_int_equal(scan.n, 1);
    scan_clear(&scan);
    assert_false(spooldir_exists(dir, "tmp", entry.id));
    entry_clear(&entry);
}

static void connection_slots_are_counted(void **state)
{
    struct spooldir *dir = *state;
    int fd[4];
    for (int i = 0; i < 2; i++)
        assert_true(slots_take(&dir->spool, "a/b", 2, &fd[i], &dir->err) && fd[i] >= 0);
    assert_true(slots_take(&dir->spool, "a/b", 2, &fd[2], &dir->err));
    assert_int_equal(fd[2], -1);
    assert_true(slots_take(&dir->spool, "other", 2, &fd[3], &dir->err) && fd[3] >= 0);
    slots_give(fd[0]);
    assert_true(slots_take(&dir->spool, "a/b", 2, &fd[2], &dir->err) && fd[2] >= 0);
    for (int i = 1; i < 4; i++)
        slots_give(fd[i]);
    slots_give(-1);
}

static void open_breaker(struct spooldir *dir, const char *reason)
{
    static int64_t began = 1000;
    const struct breaker_failure failure = {.reason = reason, .began = ++began, .ended = 1000};
    struct account_file file;
    assert_true(account_file_begin(&file, &dir->spool, "work"));
    breaker_open(&file.state.breaker, &failure, 0);
    account_file_end(&file, true);
}

static void the_state_of_an_account_is_shared(void **state)
{
    struct spooldir *dir = *state;
    struct account_state known;
    account_state_read(&known, &dir->spool, "work");
    assert_true(breaker_allows(&known.breaker, 1000, 0));
    char reason[] = "no route";
    open_breaker(dir, reason);
    open_breaker(dir, reason);
    account_state_read(&known, &dir->spool, "work");
    assert_int_equal(known.breaker.failures, 2);
    assert_false(breaker_allows(&known.breaker, 1000, 0));
    assert_string_equal(known.breaker.reason, reason);
    account_state_read(&known, &dir->spool, "other");
    assert_true(breaker_allows(&known.breaker, 1000, 0));
    /* Somebody who was stopped while he held the lock stops nobody. */
    int fd = open(spooldir_path(dir, "account", "work.state"), O_RDWR);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    open_breaker(dir, reason);
    close(fd);
    account_state_read(&known, &dir->spool, "work");
    assert_int_equal(known.breaker.failures, 3);
}

static void the_stamp_is_replaced(void **state)
{
    struct spooldir *dir = *state;
    struct str stamp = {0};
    assert_true(spool_read_stamp(&dir->spool, &stamp, &dir->err));
    assert_int_equal(stamp.len, 0);
    str_add(&stamp, "longer text");
    assert_true(spool_write_stamp(&dir->spool, &stamp, &dir->err));
    str_truncate(&stamp, 6);
    assert_true(spool_write_stamp(&dir->spool, &stamp, &dir->err));
    str_truncate(&stamp, 0);
    assert_true(spool_read_stamp(&dir->spool, &stamp, &dir->err));
    assert_string_equal(stamp.data, "longer");
    str_clear(&stamp);
}

static void removals_are_synced_once_a_second(void **state)
{
    struct spooldir *dir = *state;
    char id[ENTRYID_SIZE];
    struct entry_lock lock;
    assert_true(spooldir_submit(dir, text, 1, id, &lock));
    assert_true(spool_sync(&dir->spool, &dir->err));
    assert_true(entry_lock_remove(&lock, &dir->err));
    int64_t since = dir->spool.dirty_since;
    assert_true(since > 0 && dir->spool.dirty[SPOOL_QUEUE]);
    assert_true(spool_sync_when_due(&dir->spool, since + SPOOL_SYNC_INTERVAL - 1, &dir->err));
    assert_true(dir->spool.dirty[SPOOL_QUEUE]);
    assert_true(spool_sync_when_due(&dir->spool, since + SPOOL_SYNC_INTERVAL, &dir->err));
    assert_false(dir->spool.dirty[SPOOL_QUEUE]);
    assert_int_equal(dir->spool.dirty_since, 0);
}

/* Eight submitters and three deliverers at once: each entry is delivered once. */
static void nothing_is_lost_or_doubled_among_many(void **state)
{
    struct spooldir *dir = *state;
    enum { SUBMITTERS = 8, EACH = 25, DELIVERERS = 3 };
    int log = open(spooldir_path(dir, ".", "log"), O_RDWR | O_CREAT | O_APPEND, 0600);
    for (int i = 0; i < SUBMITTERS + DELIVERERS; i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child > 0)
            continue;
        struct spool spool;
        char id[ENTRYID_SIZE];
        spool_close(&dir->spool);
        if (!spool_open(&spool, dir->path, true, &dir->err))
            _exit(1);
        dir->spool = spool;
        for (int k = 0; i < SUBMITTERS && k < EACH; k++)
            if (!spooldir_submit(dir, text, 1, id, NULL))
                _exit(2);
        for (int quiet = 0; i >= SUBMITTERS && quiet < 3;) {
            struct scan scan = {0};
            if (!recovery_run(&dir->spool, NULL, &dir->err) ||
                !scan_read(&scan, &dir->spool, SPOOL_QUEUE, &dir->err))
                _exit(3);
            int64_t until = clock_after(20);
            while (scan.n == 0 && clock_now() < until)
                sched_yield();
            quiet = scan.n ? 0 : quiet + 1;
            for (size_t k = 0; k < scan.n; k++) {
                struct entry_lock lock;
                if (spooldir_take(dir, scan.item[k].id, &lock) != SPOOL_FOUND)
                    continue;
                if (write(log, scan.item[k].id, ENTRYID_LENGTH) != ENTRYID_LENGTH ||
                    !entry_lock_remove(&lock, &dir->err))
                    _exit(4);
            }
            scan_clear(&scan);
        }
        _exit(0);
    }
    for (int i = 0; i < SUBMITTERS + DELIVERERS; i++) {
        int status;
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    struct scan rest = {0};
    assert_true(scan_read(&rest, &dir->spool, SPOOL_QUEUE, &dir->err));
    struct stat facts;
    assert_int_equal(fstat(log, &facts), 0);
    size_t delivered = (size_t)facts.st_size / ENTRYID_LENGTH;
    assert_int_equal(delivered + rest.n, SUBMITTERS * EACH);
    char(*ids)[ENTRYID_LENGTH] = malloc(delivered * ENTRYID_LENGTH + 1);
    assert_int_equal(pread(log, ids, delivered * ENTRYID_LENGTH, 0), facts.st_size);
    for (size_t a = 0; a < delivered; a++)
        for (size_t b = a + 1; b < delivered; b++)
            assert_memory_not_equal(ids[a], ids[b], ENTRYID_LENGTH);
    free(ids);
    scan_clear(&rest);
    close(log);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, spooldir_begin, spooldir_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_accepted_comes_back),
        TEST(sizes_around_every_buffer_come_back),
        TEST(ten_thousand_recipients_come_back),
        TEST(an_envelope_without_recipients_is_no_entry),
        TEST(a_draft_that_is_dropped_leaves_nothing),
        TEST(a_file_that_may_not_grow_is_not_accepted),
        TEST(a_hostile_umask_changes_nothing),
        TEST(a_spool_others_may_write_to_is_refused),
        TEST(a_spool_of_another_format_is_left_alone),
        TEST(foreign_files_are_left_and_counted),
        TEST(leftovers_go_and_live_files_stay),
        TEST(the_same_bounce_cannot_be_made_twice),
        TEST(connection_slots_are_counted),
        TEST(the_state_of_an_account_is_shared),
        TEST(the_stamp_is_replaced),
        TEST(removals_are_synced_once_a_second),
        TEST(nothing_is_lost_or_doubled_among_many),
    };
    return cmocka_run_group_tests_name("spool", tests, NULL, NULL);
}
