#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <cmocka.h>

#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <time.h>

#include "base/clock.h"
#include "queue/listing.h"
#include "queue/recovery.h"
#include "queue/scan.h"
#include "queue/slots.h"
#include "queue/spoolfile.h"
#include "queue/standing.h"
#include "spooldir.h"

static const char text[] = "Subject: x\r\n\r\nhello\r\n";

static enum claim_result take(struct spooldir *dir, const char *id, struct claim *claim)
{
    memset(claim, 0, sizeof *claim);
    return claim_take(claim, &dir->spool, SPOOL_QUEUE, id, &dir->err);
}

static void assert_content(const struct claim *claim, const char *wanted, size_t len)
{
    struct error err;
    char *buffer = malloc(len + 1);
    size_t got;
    assert_int_equal(claim->content.size, len);
    assert_true(content_read(&claim->content, 0, buffer, len + 1, &got, &err));
    assert_int_equal(got, len);
    assert_memory_equal(buffer, wanted, len);
    free(buffer);
}

static void what_is_accepted_comes_back(void **state)
{
    struct spooldir *dir = *state;
    struct claim claim = {0};
    char id[ENTRYID_SIZE];
    assert_true(spooldir_submit(dir, text, 3, id, &claim));
    assert_content(&claim, text, strlen(text));
    assert_true(spooldir_exists(dir, "queue", id));
    assert_false(spooldir_exists(dir, "tmp", id));
    struct claim other;
    assert_int_equal(take(dir, id, &other), CLAIM_BUSY); /* held through the first try */
    claim_release(&claim);
    claim_release(&claim);
    assert_int_equal(take(dir, id, &claim), CLAIM_TAKEN);
    assert_string_equal(claim.entry.envelope.rcpt[2].address, "r2@example.com");
    assert_content(&claim, text, strlen(text));
    assert_true(claim_remove(&claim, &dir->err));
    assert_int_equal(take(dir, id, &claim), CLAIM_GONE);
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
        struct claim claim;
        assert_true(spooldir_submit(dir, big, 1, id, NULL));
        assert_int_equal(take(dir, id, &claim), CLAIM_TAKEN);
        assert_content(&claim, big, sizes[i]);
        assert_true(claim_remove(&claim, &dir->err));
        free(big);
    }
}

static void ten_thousand_recipients_come_back(void **state)
{
    struct spooldir *dir = *state;
    char id[ENTRYID_SIZE];
    struct claim claim;
    assert_true(spooldir_submit(dir, text, 10000, id, NULL));
    assert_int_equal(take(dir, id, &claim), CLAIM_TAKEN);
    assert_int_equal(claim.entry.envelope.n, 10000);
    assert_string_equal(claim.entry.envelope.rcpt[9999].address, "r9999@example.com");
    assert_content(&claim, text, strlen(text));
    claim_release(&claim);
}

static void a_draft_that_is_dropped_leaves_nothing(void **state)
{
    struct spooldir *dir = *state;
    struct entry entry;
    struct draft draft;
    spooldir_fill(&entry, 1);
    assert_true(draft_begin(&draft, &dir->spool, &entry, &dir->err));
    assert_true(output_write(&draft.output, text, 5, &dir->err));
    char id[ENTRYID_SIZE];
    memcpy(id, draft.entry.id, sizeof id);
    assert_true(spooldir_exists(dir, "tmp", id));
    size_t removed = 9;
    assert_true(recovery_run(&dir->spool, &removed, &dir->err));
    assert_int_equal(removed, 0); /* somebody is writing it */
    draft_drop(&draft);
    draft_drop(&draft);
    assert_false(spooldir_exists(dir, "tmp", id));
    assert_false(spooldir_exists(dir, "queue", id));
    assert_true(draft_begin(&draft, &dir->spool, &entry, &dir->err));
    draft_discard(&draft); /* a signal came */
    assert_false(draft_commit(&draft, NULL, &dir->err));
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
static void a_flipped_bit_sends_an_entry_to_failed(void **state)
{
    struct spooldir *dir = *state;
    char id[ENTRYID_SIZE], whole[1024];
    assert_true(spooldir_submit(dir, text, 2, id, NULL));
    int fd = open(spooldir_path(dir, "queue", id), O_RDONLY);
    ssize_t len = read(fd, whole, sizeof whole);
    close(fd);
    assert_true(len > 100 && len < 1024);
    unsigned left = 0, failed = 0;
    for (ssize_t i = 0; i < len; i++) {
        whole[i] ^= 1 << (i % 8);
        spooldir_put(dir, "queue", id, whole, (size_t)len);
        whole[i] ^= 1 << (i % 8);
        struct claim claim;
        enum claim_result result = take(dir, id, &claim);
        left += result == CLAIM_LEFT; /* the bit made its version a higher one */
        failed += result == CLAIM_DAMAGED;
        assert_null(claim.spool);
        if (result == CLAIM_DAMAGED) {
            assert_true(spooldir_exists(dir, "failed", id));
            assert_false(spooldir_exists(dir, "queue", id));
            unlink(spooldir_path(dir, "failed", id));
        }
    }
    assert_int_equal(left + failed, len);
    assert_in_range(left, 0, 2);
}

static bool remember(void *context, const struct listing_item *item)
{
    struct str *seen = context;
    str_addf(seen, "%s %d %llu %zu %s;", item->id, (int)item->state, (unsigned long long)item->size,
             item->entry ? item->entry->envelope.n : 0,
             *item->trouble        ? "trouble"
             : item->journal->note ? item->journal->note
                                   : "");
    return true;
}

static void an_entry_cut_short_goes_to_failed_and_is_shown_there(void **state)
{
    struct spooldir *dir = *state;
    for (size_t cut = 0; cut < 250; cut += 10) {
        char id[ENTRYID_SIZE];
        struct claim claim;
        assert_true(spooldir_submit(dir, text, 3, id, NULL));
        assert_int_equal(truncate(spooldir_path(dir, "queue", id), (off_t)cut), 0);
        assert_int_equal(take(dir, id, &claim), CLAIM_DAMAGED);
        assert_true(spooldir_exists(dir, "failed", id));
        assert_true(spooldir_exists(dir, "journal", id));
    }
    struct str seen = {0};
    assert_true(listing_each(&dir->spool, true, remember, &seen, &dir->err));
    assert_non_null(strstr(seen.data, "trouble"));
    str_clear(&seen);
}

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
    struct claim claim;
    assert_int_equal(take(dir, "0000000000000f0", &claim), CLAIM_LEFT);
    assert_int_equal(take(dir, "0000000000000s0", &claim), CLAIM_LEFT);
    assert_int_equal(take(dir, "0000000000000t0", &claim), CLAIM_LEFT);
    assert_int_equal(take(dir, "0000000000000d0", &claim), CLAIM_LEFT);
    assert_int_equal(take(dir, "../format", &claim), CLAIM_LEFT);
    assert_true(spooldir_exists(dir, "queue", "0000000000000f0"));
}

static void leftovers_go_and_live_files_stay(void **state)
{
    struct spooldir *dir = *state;
    struct entry entry;
    struct draft draft;
    char id[ENTRYID_SIZE];
    struct claim claim;
    size_t removed;
    spooldir_put(dir, "tmp", "000000000000010", "half", 4);
    spooldir_put(dir, "tmp", "not-an-id", "x", 1);
    spooldir_put(dir, "journal", "000000000000020", "x", 1);
    spooldir_fill(&entry, 1);
    assert_true(draft_begin(&draft, &dir->spool, &entry, &dir->err));
    assert_true(spooldir_submit(dir, text, 1, id, &claim));
    journal_note(&claim.journal, "kept");
    assert_true(claim_move(&claim, SPOOL_HOLD, NULL, &dir->err));
    assert_true(recovery_run(&dir->spool, &removed, &dir->err));
    assert_int_equal(removed, 2);
    assert_true(spooldir_exists(dir, "tmp", draft.entry.id));
    assert_true(spooldir_exists(dir, "tmp", "not-an-id"));
    assert_true(spooldir_exists(dir, "journal", id));
    draft_drop(&draft);
    entry_clear(&entry);
}

static void outcomes_are_kept_and_an_entry_can_wait(void **state)
{
    struct spooldir *dir = *state;
    char id[ENTRYID_SIZE];
    struct claim claim;
    struct scan scan = {0};
    struct outcome gone = spooldir_refusal(550, "5.1.1", "no such user", "550 5.1.1 no");
    struct outcome full = spooldir_refusal(452, "", "full", "452 full");
    int64_t now = time(NULL);
    assert_true(spooldir_submit(dir, text, 3, id, &claim));
    journal_settle(&claim.journal, 0, FATE_SENT, NULL);
    journal_settle(&claim.journal, 1, FATE_FAILED, &gone);
    journal_settle(&claim.journal, 2, FATE_WAITING, &full);
    journal_attempt(&claim.journal, now, now + 60);
    assert_true(claim_save(&claim, &dir->err));
    assert_true(claim_save(&claim, &dir->err)); /* nothing new */
    assert_true(claim_postpone(&claim, now + 60, &dir->err));
    claim_release(&claim);
    assert_true(scan_read(&scan, &dir->spool, SPOOL_QUEUE, &dir->err));
    assert_int_equal(scan.item[0].next, now + 60);
    scan_keep_due(&scan, now);
    assert_int_equal(scan.n, 0);
    assert_true(scan_read(&scan, &dir->spool, SPOOL_QUEUE, &dir->err));
    scan_keep_due(&scan, now + 60);
    assert_int_equal(scan.n, 1);
    scan_clear(&scan);
    /* The next writer starts a line of his own behind a torn one. */
    FILE *torn = fopen(spooldir_path(dir, "journal", id), "a");
    fputs("0123456789abc", torn);
    fclose(torn);
    assert_int_equal(take(dir, id, &claim), CLAIM_TAKEN);
    assert_int_equal(claim.journal.damaged, 1);
    assert_int_equal(journal_unbounced(&claim.journal), 1);
    journal_bounced(&claim.journal, 1);
    assert_true(claim_save(&claim, &dir->err));
    claim_release(&claim);
    assert_int_equal(take(dir, id, &claim), CLAIM_TAKEN);
    assert_int_equal(claim.journal.damaged, 1);
    assert_int_equal(claim.journal.attempts, 1);
    assert_int_equal(claim.journal.rcpt[1].bounce, 1);
    assert_string_equal(claim.journal.rcpt[2].why.reply, "452 full");
    assert_true(claim_remove(&claim, &dir->err));
    assert_false(spooldir_exists(dir, "journal", id));
    outcome_clear(&gone, 1);
    outcome_clear(&full, 1);
}

static void a_journal_does_not_grow_for_ever(void **state)
{
    struct spooldir *dir = *state;
    char id[ENTRYID_SIZE];
    struct claim claim;
    struct stat facts;
    assert_true(spooldir_submit(dir, text, 500, id, &claim));
    for (int attempt = 0; attempt < 60; attempt++) {
        for (size_t i = 0; i < 500; i++) {
            char reply[64];
            snprintf(reply, sizeof reply, "450 come back later %d %zu", attempt, i);
            struct outcome why = spooldir_refusal(450, "4.2.0", "greylisted", reply);
            journal_settle(&claim.journal, i, FATE_WAITING, &why);
            outcome_clear(&why, 1);
        }
        journal_attempt(&claim.journal, attempt, attempt);
        assert_true(claim_save(&claim, &dir->err));
    }
    claim_release(&claim);
    assert_int_equal(stat(spooldir_path(dir, "journal", id), &facts), 0);
    assert_in_range(facts.st_size, 1, CLAIM_JOURNAL_SLACK + 400000);
    assert_int_equal(take(dir, id, &claim), CLAIM_TAKEN);
    assert_int_equal(claim.journal.attempts, 60);
    assert_string_equal(claim.journal.rcpt[499].why.reply, "450 come back later 59 499");
    claim_release(&claim);
}

static void entries_are_held_released_and_listed(void **state)
{
    struct spooldir *dir = *state;
    char a[ENTRYID_SIZE], b[ENTRYID_SIZE], c[ENTRYID_SIZE];
    struct claim claim, busy;
    struct str seen = {0}, wanted = {0};
    assert_true(spooldir_submit(dir, text, 1, a, NULL));
    assert_true(spooldir_submit(dir, text, 2, b, &claim));
    assert_true(claim_move(&claim, SPOOL_HOLD, NULL, &dir->err));
    assert_true(spooldir_submit(dir, text, 3, c, &busy));
    assert_true(listing_each(&dir->spool, false, remember, &seen, &dir->err));
    str_addf(&wanted, "%s %d 21 1 ;%s %d 21 2 ;%s %d 21 3 ;", a, LISTING_DEFERRED, b, LISTING_HOLD,
             c, LISTING_ACTIVE);
    assert_string_equal(seen.data, wanted.data);
    claim_release(&busy);
    assert_int_equal(take(dir, b, &claim), CLAIM_GONE);
    memset(&claim, 0, sizeof claim);
    assert_int_equal(claim_take(&claim, &dir->spool, SPOOL_HOLD, b, &dir->err), CLAIM_TAKEN);
    assert_true(claim_move(&claim, SPOOL_QUEUE, NULL, &dir->err));
    assert_int_equal(take(dir, b, &claim), CLAIM_TAKEN);
    assert_true(claim_move(&claim, SPOOL_QUEUE, NULL, &dir->err)); /* to where it is */
    assert_int_equal(take(dir, b, &claim), CLAIM_TAKEN);
    assert_true(claim_move(&claim, SPOOL_FAILED, "given up", &dir->err));
    str_truncate(&seen, 0);
    assert_true(listing_each(&dir->spool, true, remember, &seen, &dir->err));
    assert_non_null(strstr(seen.data, "given up"));
    assert_true(spool_has(&dir->spool, b));
    str_clear(&seen);
    str_clear(&wanted);
}

static void one_entry_under_two_names_is_delivered_once(void **state)
{
    struct spooldir *dir = *state;
    char id[ENTRYID_SIZE], from[600];
    struct claim claim;
    assert_true(spooldir_submit(dir, text, 1, id, NULL));
    snprintf(from, sizeof from, "%s", spooldir_path(dir, "queue", id));
    assert_int_equal(link(from, spooldir_path(dir, "hold", id)), 0);
    assert_int_equal(take(dir, id, &claim), CLAIM_TAKEN);
    assert_true(claim_remove(&claim, &dir->err));
    assert_false(spool_has(&dir->spool, id));
    assert_true(spooldir_submit(dir, text, 1, id, NULL));
    snprintf(from, sizeof from, "%s", spooldir_path(dir, "queue", id));
    assert_int_equal(link(from, spooldir_path(dir, "hold", id)), 0);
    assert_int_equal(take(dir, id, &claim), CLAIM_TAKEN);
    assert_true(claim_move(&claim, SPOOL_HOLD, NULL, &dir->err));
    assert_false(spooldir_exists(dir, "queue", id));
    assert_true(spooldir_exists(dir, "hold", id));
}

static void the_same_bounce_cannot_be_made_twice(void **state)
{
    struct spooldir *dir = *state;
    struct entry entry;
    spooldir_fill(&entry, 1);
    memcpy(entry.id, "000000000000011", ENTRYID_SIZE);
    spooldir_put(dir, "tmp", entry.id, "left by a crash", 15);
    for (int i = 0; i < 2; i++) {
        struct draft draft;
        struct claim claim = {0};
        assert_true(draft_begin(&draft, &dir->spool, &entry, &dir->err));
        assert_true(output_write(&draft.output, text, strlen(text), &dir->err));
        assert_true(draft_commit(&draft, &claim, &dir->err));
        assert_true((claim.spool != NULL) == (i == 0));
        claim_release(&claim);
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

static bool open_breaker(struct standing *standing, void *context)
{
    breaker_open(&standing->breaker, BREAKER_NETWORK, context, 1000, 0);
    return true;
}

static void the_standing_of_an_account_is_shared(void **state)
{
    struct spooldir *dir = *state;
    struct standing standing;
    assert_true(standing_read(&standing, &dir->spool, "work", &dir->err));
    assert_true(breaker_allows(&standing.breaker, 1000));
    char reason[] = "no route";
    assert_true(standing_change(&dir->spool, "work", open_breaker, reason, NULL, &dir->err));
    assert_true(standing_change(&dir->spool, "work", open_breaker, reason, &standing, &dir->err));
    assert_int_equal(standing.breaker.failures, 2);
    assert_true(standing_read(&standing, &dir->spool, "work", &dir->err));
    assert_false(breaker_allows(&standing.breaker, 1000));
    assert_string_equal(standing.breaker.reason, reason);
    assert_true(standing_read(&standing, &dir->spool, "other", &dir->err));
    assert_true(breaker_allows(&standing.breaker, 1000));
    /* Somebody who was stopped while he held the lock stops nobody. */
    int fd = open(spooldir_path(dir, "account", "work.standing"), O_RDWR);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_true(standing_change(&dir->spool, "work", open_breaker, reason, &standing, &dir->err));
    assert_int_equal(standing.breaker.failures, 3);
    close(fd);
}

static void the_stamp_tells_of_the_last_run(void **state)
{
    struct spooldir *dir = *state;
    struct str stamp = {0};
    int64_t when = 7;
    assert_true(spool_read_stamp(&dir->spool, &stamp, &when, &dir->err));
    assert_int_equal(when, 0);
    str_add(&stamp, "longer text");
    assert_true(spool_write_stamp(&dir->spool, &stamp, &dir->err));
    str_truncate(&stamp, 6);
    assert_true(spool_write_stamp(&dir->spool, &stamp, &dir->err));
    str_truncate(&stamp, 0);
    assert_true(spool_read_stamp(&dir->spool, &stamp, &when, &dir->err));
    assert_string_equal(stamp.data, "longer");
    assert_true(when > 1000000000);
    str_clear(&stamp);
}

static void removals_are_synced_once_a_second(void **state)
{
    struct spooldir *dir = *state;
    char id[ENTRYID_SIZE];
    struct claim claim;
    assert_true(spooldir_submit(dir, text, 1, id, &claim));
    assert_true(spool_sync(&dir->spool, &dir->err));
    assert_true(claim_remove(&claim, &dir->err));
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
                struct claim claim;
                if (take(dir, scan.item[k].id, &claim) != CLAIM_TAKEN)
                    continue;
                if (write(log, scan.item[k].id, ENTRYID_LENGTH) != ENTRYID_LENGTH ||
                    !claim_remove(&claim, &dir->err))
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
        TEST(a_draft_that_is_dropped_leaves_nothing),
        TEST(a_file_that_may_not_grow_is_not_accepted),
        TEST(a_hostile_umask_changes_nothing),
        TEST(a_spool_others_may_write_to_is_refused),
        TEST(a_spool_of_another_format_is_left_alone),
        TEST(a_flipped_bit_sends_an_entry_to_failed),
        TEST(an_entry_cut_short_goes_to_failed_and_is_shown_there),
        TEST(foreign_files_are_left_and_counted),
        TEST(leftovers_go_and_live_files_stay),
        TEST(outcomes_are_kept_and_an_entry_can_wait),
        TEST(a_journal_does_not_grow_for_ever),
        TEST(entries_are_held_released_and_listed),
        TEST(one_entry_under_two_names_is_delivered_once),
        TEST(the_same_bounce_cannot_be_made_twice),
        TEST(connection_slots_are_counted),
        TEST(the_standing_of_an_account_is_shared),
        TEST(the_stamp_tells_of_the_last_run),
        TEST(removals_are_synced_once_a_second),
        TEST(nothing_is_lost_or_doubled_among_many),
    };
    return cmocka_run_group_tests_name("spool", tests, NULL, NULL);
}
