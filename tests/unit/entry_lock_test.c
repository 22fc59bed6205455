#include "suite.h"

#include <time.h>

#include "queue/listing.h"
#include "queue/scan.h"
#include "spooldir.h"

static const char text[] = "Subject: x\r\n\r\nhello\r\n";

static bool remember(void *context, const struct listing_item *item)
{
    struct str *seen = context;
    str_addf(seen, "%s %d %llu %zu %s;", item->id, (int)item->state, (unsigned long long)item->size,
             item->entry ? item->entry->envelope.n : 0,
             *item->failure        ? "trouble"
             : item->journal->note ? item->journal->note
                                   : "");
    return true;
}

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
        struct entry_lock lock;
        enum spool_found result = spooldir_take(dir, id, &lock);
        left += result == SPOOL_FOREIGN; /* the bit made its version a higher one */
        failed += result == SPOOL_DAMAGED;
        assert_null(lock.spool);
        if (result == SPOOL_DAMAGED) {
            assert_true(spooldir_exists(dir, "failed", id));
            assert_false(spooldir_exists(dir, "queue", id));
            unlink(spooldir_path(dir, "failed", id));
        }
    }
    assert_int_equal(left + failed, len);
    assert_in_range(left, 0, 2);
}

static void an_entry_cut_short_goes_to_failed_and_is_shown_there(void **state)
{
    struct spooldir *dir = *state;
    for (size_t cut = 0; cut < 250; cut += 10) {
        char id[ENTRYID_SIZE];
        struct entry_lock lock;
        assert_true(spooldir_submit(dir, text, 3, id, NULL));
        assert_int_equal(truncate(spooldir_path(dir, "queue", id), (off_t)cut), 0);
        assert_int_equal(spooldir_take(dir, id, &lock), SPOOL_DAMAGED);
        assert_true(spooldir_exists(dir, "failed", id));
        assert_true(spooldir_exists(dir, "journal", id));
    }
    struct str seen = {0};
    assert_true(listing_each(&dir->spool, true, remember, &seen, &dir->err));
    assert_non_null(strstr(seen.data, "trouble"));
    str_clear(&seen);
}

static void outcomes_are_kept_and_an_entry_can_wait(void **state)
{
    struct spooldir *dir = *state;
    char id[ENTRYID_SIZE];
    struct entry_lock lock;
    struct scan scan = {0};
    struct error gone = spooldir_refusal(550, "5.1.1", "no such user", "550 5.1.1 no");
    struct error full = spooldir_refusal(452, "", "full", "452 full");
    int64_t now = time(NULL);
    assert_true(spooldir_submit(dir, text, 3, id, &lock));
    journal_settle(&lock.journal, 0, JOURNAL_SENT, NULL);
    journal_settle(&lock.journal, 1, JOURNAL_FAILED, &gone);
    journal_settle(&lock.journal, 2, JOURNAL_WAITING, &full);
    journal_attempt(&lock.journal, now, now + 60);
    assert_true(entry_lock_save(&lock, &dir->err));
    assert_true(entry_lock_save(&lock, &dir->err)); /* nothing new */
    assert_true(entry_lock_postpone(&lock, now + 60, &dir->err));
    entry_lock_release(&lock);
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
    assert_int_equal(spooldir_take(dir, id, &lock), SPOOL_FOUND);
    assert_int_equal(lock.journal.damaged, 1);
    assert_int_equal(journal_unbounced(&lock.journal), 1);
    journal_bounced(&lock.journal, 1);
    assert_true(entry_lock_save(&lock, &dir->err));
    entry_lock_release(&lock);
    assert_int_equal(spooldir_take(dir, id, &lock), SPOOL_FOUND);
    assert_int_equal(lock.journal.damaged, 1);
    assert_int_equal(lock.journal.attempts, 1);
    assert_int_equal(lock.journal.rcpt[1].bounce, 1);
    assert_string_equal(lock.journal.rcpt[2].why->reply, "452 full");
    assert_true(entry_lock_remove(&lock, &dir->err));
    assert_false(spooldir_exists(dir, "journal", id));
}

/* What met a failure and is tried again comes behind what was never tried. */
static void what_is_made_due_does_not_jump_the_queue(void **state)
{
    struct spooldir *dir = *state;
    char failed[ENTRYID_SIZE], fresh[ENTRYID_SIZE], late[ENTRYID_SIZE];
    struct entry_lock lock;
    struct scan scan = {0};
    int64_t now = time(NULL) + 60;
    assert_true(spooldir_submit(dir, text, 1, failed, &lock));
    assert_true(entry_lock_postpone(&lock, now + 3600, &dir->err));
    entry_lock_release(&lock);
    assert_true(spooldir_submit(dir, text, 1, late, &lock));
    assert_true(entry_lock_postpone(&lock, now - 30, &dir->err));
    entry_lock_release(&lock);
    assert_true(spooldir_submit(dir, text, 1, fresh, NULL));
    assert_true(scan_read(&scan, &dir->spool, SPOOL_QUEUE, &dir->err));
    scan_make_due(&scan, failed, now);
    scan_make_due(&scan, late, now);
    scan_make_due(&scan, "000000000000011", now); /* which is not there */
    scan_keep_due(&scan, now);
    scan_sort_by_time(&scan);
    assert_int_equal(scan.n, 3);
    assert_string_equal(scan.item[0].id, fresh);
    assert_string_equal(scan.item[1].id, late);
    assert_string_equal(scan.item[2].id, failed);
    scan_clear(&scan);
}

static off_t journal_size(const struct spooldir *dir, const char *id)
{
    struct stat facts;
    return stat(spooldir_path(dir, "journal", id), &facts) == 0 ? facts.st_size : -1;
}

static void an_attempt_is_planned_before_it_begins(void **state)
{
    static const struct {
        int recipients;
        off_t journal; /* octets kept in it, -1 for no file */
    } cases[] = {{1, -1}, {2, 3 * JOURNAL_SENT_MAX}, {100, 101 * JOURNAL_SENT_MAX}};
    struct spooldir *dir = *state;
    int64_t now = time(NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char id[ENTRYID_SIZE];
        struct entry_lock lock;
        struct stat facts;
        assert_true(spooldir_submit(dir, text, cases[i].recipients, id, &lock));
        assert_int_equal(entry_lock_begin(&lock, now, &dir->err), ENTRY_LOCK_BEGUN);
        assert_int_equal(stat(spooldir_path(dir, "queue", id), &facts), 0);
        assert_in_range(facts.st_mtime, now + 45, now + 75);
        assert_int_equal(facts.st_mtime, lock.next);
        assert_int_equal(journal_size(dir, id), cases[i].journal);
        assert_int_equal(entry_lock_begin(&lock, now + 9, &dir->err), ENTRY_LOCK_BEGUN);
        assert_int_equal(facts.st_mtime, lock.next);
        entry_lock_release(&lock);
    }
}

static void an_attempt_that_ended_unnoted_is_noted_by_the_next(void **state)
{
    static const int64_t longest[] = {75, 375, 1125, 2250};
    struct spooldir *dir = *state;
    char id[ENTRYID_SIZE];
    struct entry_lock lock;
    int64_t now = time(NULL);
    assert_true(spooldir_submit(dir, text, 2, id, &lock));
    for (unsigned i = 0; i < sizeof longest / sizeof *longest; i++) {
        assert_int_equal(lock.interrupted, i > 0);
        assert_int_equal(entry_lock_begin(&lock, now, &dir->err), ENTRY_LOCK_BEGUN);
        assert_in_range(lock.next - now, longest[i] * 3 / 5, longest[i]);
        assert_int_equal(lock.journal.attempts, i);
        assert_true(i == 0 || strstr(lock.journal.rcpt[1].why->text, "ended before"));
        entry_lock_release(&lock); /* as if killed */
        assert_int_equal(spooldir_take(dir, id, &lock), SPOOL_FOUND);
    }
    /* One that is noted is not taken for such. */
    assert_int_equal(entry_lock_begin(&lock, now, &dir->err), ENTRY_LOCK_BEGUN);
    journal_settle(&lock.journal, 0, JOURNAL_SENT, NULL);
    journal_attempt(&lock.journal, now, lock.next);
    assert_true(entry_lock_save(&lock, &dir->err));
    off_t size = journal_size(dir, id);
    entry_lock_release(&lock);
    assert_int_equal(spooldir_take(dir, id, &lock), SPOOL_FOUND);
    assert_false(lock.interrupted);
    assert_int_equal(lock.journal.damaged, 0);
    assert_int_equal(lock.journal.rcpt[0].status, JOURNAL_SENT);
    assert_true(lock.file.used < (uint64_t)size);
    /* The order to try at once is no attempt either. */
    assert_true(entry_lock_postpone(&lock, 0, &dir->err));
    entry_lock_release(&lock);
    assert_int_equal(spooldir_take(dir, id, &lock), SPOOL_FOUND);
    assert_false(lock.interrupted);
    entry_lock_release(&lock);
}

static void commit_derived(struct spooldir *dir, const char *original, unsigned number, char *id)
{
    struct entry entry;
    struct entry_writer writer;
    spooldir_fill(&entry, 1);
    envelope_set_sender(&entry.envelope, "");
    assert_true(entryid_derive(id, original, number));
    memcpy(entry.id, id, ENTRYID_SIZE);
    memcpy(entry.bounce_of, original, ENTRYID_SIZE);
    assert_true(entry_writer_begin(&writer, &dir->spool, &entry, &dir->err));
    assert_true(entry_writer_commit(&writer, NULL, &dir->err));
    entry_clear(&entry);
}

/* Whether it is noted for ORIGINAL, wherever that is, that its failed recipients are in a bounce.
 */
static bool is_noted(struct spooldir *dir, const char *original, enum spool_directory directory)
{
    struct entry_lock lock = {0};
    assert_int_equal(entry_lock_take(&lock, &dir->spool, directory, original, &dir->err),
                     SPOOL_FOUND);
    bool noted = journal_unbounced(&lock.journal) == 0;
    entry_lock_release(&lock);
    return noted;
}

/* The process that made the bounce was killed in between. */
static void a_bounce_is_noted_before_it_is_sent(void **state)
{
    struct spooldir *dir = *state;
    static const enum spool_directory places[] = {SPOOL_QUEUE, SPOOL_HOLD, SPOOL_FAILED};
    const struct error no = spooldir_refusal(550, "5.1.1", "refused", "550 no");
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char original[ENTRYID_SIZE], notice[ENTRYID_SIZE], bounce[ENTRYID_SIZE];
        struct entry_lock lock = {0}, other;
        assert_true(spooldir_submit(dir, "S: x\r\n\r\nhi\r\n", 2, original, &lock));
        journal_settle(&lock.journal, 0, JOURNAL_FAILED, &no);
        assert_true(entry_lock_save(&lock, &dir->err));
        commit_derived(dir, original, ENTRYID_EXPIRY_NOTICE, notice);
        commit_derived(dir, original, 1, bounce);
        assert_int_equal(spooldir_take(dir, bounce, &other), SPOOL_BUSY);
        assert_int_equal(spooldir_take(dir, notice, &other), SPOOL_FOUND);
        entry_lock_release(&other);
        if (places[i] == SPOOL_QUEUE)
            entry_lock_release(&lock);
        else
            assert_true(entry_lock_move(&lock, places[i], NULL, &dir->err));
        assert_false(is_noted(dir, original, places[i]));
        assert_int_equal(spooldir_take(dir, bounce, &other), SPOOL_FOUND);
        assert_true(is_noted(dir, original, places[i]));
        assert_true(entry_lock_remove(&other, &dir->err));
        assert_int_equal(spooldir_take(dir, bounce, &other), SPOOL_GONE);
    }
}

static void a_journal_does_not_grow_for_ever(void **state)
{
    struct spooldir *dir = *state;
    char id[ENTRYID_SIZE];
    struct entry_lock lock;
    struct stat facts;
    assert_true(spooldir_submit(dir, text, 500, id, &lock));
    for (int attempt = 0; attempt < 60; attempt++) {
        for (size_t i = 0; i < 500; i++) {
            char reply[64];
            snprintf(reply, sizeof reply, "450 come back later %d %zu", attempt, i);
            struct error why = spooldir_refusal(450, "4.2.0", "greylisted", reply);
            journal_settle(&lock.journal, i, JOURNAL_WAITING, &why);
        }
        journal_attempt(&lock.journal, attempt, attempt);
        assert_true(entry_lock_save(&lock, &dir->err));
    }
    entry_lock_release(&lock);
    assert_int_equal(stat(spooldir_path(dir, "journal", id), &facts), 0);
    assert_in_range(facts.st_size, 1, JOURNAL_FILE_SLACK + 400000);
    assert_int_equal(spooldir_take(dir, id, &lock), SPOOL_FOUND);
    assert_int_equal(lock.journal.attempts, 60);
    assert_string_equal(lock.journal.rcpt[499].why->reply, "450 come back later 59 499");
    entry_lock_release(&lock);
}

static void entries_are_held_released_and_listed(void **state)
{
    struct spooldir *dir = *state;
    char a[ENTRYID_SIZE], b[ENTRYID_SIZE], c[ENTRYID_SIZE];
    struct entry_lock lock, busy;
    struct str seen = {0}, wanted = {0};
    assert_true(spooldir_submit(dir, text, 1, a, NULL));
    assert_true(spooldir_submit(dir, text, 2, b, &lock));
    assert_true(entry_lock_move(&lock, SPOOL_HOLD, NULL, &dir->err));
    assert_true(spooldir_submit(dir, text, 3, c, &busy));
    assert_true(listing_each(&dir->spool, false, remember, &seen, &dir->err));
    str_addf(&wanted, "%s %d 21 1 ;%s %d 21 2 ;%s %d 21 3 ;", a, LISTING_DEFERRED, b, LISTING_HOLD,
             c, LISTING_ACTIVE);
    assert_string_equal(seen.data, wanted.data);
    entry_lock_release(&busy);
    assert_int_equal(spooldir_take(dir, b, &lock), SPOOL_GONE);
    memset(&lock, 0, sizeof lock);
    assert_int_equal(entry_lock_take(&lock, &dir->spool, SPOOL_HOLD, b, &dir->err), SPOOL_FOUND);
    assert_true(entry_lock_move(&lock, SPOOL_QUEUE, NULL, &dir->err));
    assert_int_equal(spooldir_take(dir, b, &lock), SPOOL_FOUND);
    assert_true(entry_lock_move(&lock, SPOOL_QUEUE, NULL, &dir->err)); /* to where it is */
    assert_int_equal(spooldir_take(dir, b, &lock), SPOOL_FOUND);
    assert_true(entry_lock_move(&lock, SPOOL_FAILED, "given up", &dir->err));
    str_truncate(&seen, 0);
    assert_true(listing_each(&dir->spool, true, remember, &seen, &dir->err));
    assert_non_null(strstr(seen.data, "given up"));
    assert_true(spool_has(&dir->spool, b));
    str_clear(&seen);
    str_clear(&wanted);
}

static void entries_are_deleted_damaged_or_not(void **state)
{
    struct spooldir *dir = *state;
    char good[ENTRYID_SIZE], bad[ENTRYID_SIZE];
    struct entry_lock lock;
    assert_true(spooldir_submit(dir, text, 1, good, &lock));
    assert_int_equal(entry_lock_delete(&dir->spool, SPOOL_QUEUE, good, &dir->err), SPOOL_BUSY);
    entry_lock_release(&lock);
    assert_int_equal(entry_lock_delete(&dir->spool, SPOOL_HOLD, good, &dir->err), SPOOL_GONE);
    assert_int_equal(entry_lock_delete(&dir->spool, SPOOL_QUEUE, good, &dir->err), SPOOL_FOUND);
    assert_false(spooldir_exists(dir, "queue", good));
    assert_true(spooldir_submit(dir, text, 1, bad, NULL));
    assert_int_equal(truncate(spooldir_path(dir, "queue", bad), 30), 0);
    assert_int_equal(spooldir_take(dir, bad, &lock), SPOOL_DAMAGED);
    assert_int_equal(entry_lock_delete(&dir->spool, SPOOL_FAILED, bad, &dir->err), SPOOL_FOUND);
    assert_false(spooldir_exists(dir, "failed", bad));
    assert_false(spooldir_exists(dir, "journal", bad));
    assert_int_equal(entry_lock_delete(&dir->spool, SPOOL_QUEUE, "../format", &dir->err),
                     SPOOL_FOREIGN);
}

/* What is locked under a name that means something else by now is not the entry. */
static void a_name_that_changed_hands_is_gone(void **state)
{
    struct spooldir *dir = *state;
    char id[ENTRYID_SIZE], old[600];
    struct entry_lock lock;
    assert_true(spooldir_submit(dir, text, 1, id, NULL));
    snprintf(old, sizeof old, "%s", spooldir_path(dir, "queue", id));
    assert_int_equal(spooldir_take(dir, id, &lock), SPOOL_FOUND);
    assert_int_equal(rename(old, spooldir_path(dir, "hold", id)), 0);
    struct entry_lock other;
    assert_int_equal(spooldir_take(dir, id, &other), SPOOL_GONE);
    struct entry_lock held = {0};
    assert_int_equal(entry_lock_take(&held, &dir->spool, SPOOL_HOLD, id, &dir->err), SPOOL_BUSY);
    entry_lock_release(&lock);
}

static void one_entry_under_two_names_is_delivered_once(void **state)
{
    struct spooldir *dir = *state;
    char id[ENTRYID_SIZE], from[600];
    struct entry_lock lock;
    assert_true(spooldir_submit(dir, text, 1, id, NULL));
    snprintf(from, sizeof from, "%s", spooldir_path(dir, "queue", id));
    assert_int_equal(link(from, spooldir_path(dir, "hold", id)), 0);
    assert_int_equal(spooldir_take(dir, id, &lock), SPOOL_FOUND);
    assert_true(entry_lock_remove(&lock, &dir->err));
    assert_false(spool_has(&dir->spool, id));
    assert_true(spooldir_submit(dir, text, 1, id, NULL));
    snprintf(from, sizeof from, "%s", spooldir_path(dir, "queue", id));
    assert_int_equal(link(from, spooldir_path(dir, "hold", id)), 0);
    assert_int_equal(spooldir_take(dir, id, &lock), SPOOL_FOUND);
    assert_true(entry_lock_move(&lock, SPOOL_HOLD, NULL, &dir->err));
    assert_false(spooldir_exists(dir, "queue", id));
    assert_true(spooldir_exists(dir, "hold", id));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, spooldir_begin, spooldir_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_flipped_bit_sends_an_entry_to_failed),
        TEST(an_entry_cut_short_goes_to_failed_and_is_shown_there),
        TEST(outcomes_are_kept_and_an_entry_can_wait),
        TEST(what_is_made_due_does_not_jump_the_queue),
        TEST(an_attempt_is_planned_before_it_begins),
        TEST(an_attempt_that_ended_unnoted_is_noted_by_the_next),
        TEST(a_bounce_is_noted_before_it_is_sent),
        TEST(a_journal_does_not_grow_for_ever),
        TEST(entries_are_held_released_and_listed),
        TEST(entries_are_deleted_damaged_or_not),
        TEST(a_name_that_changed_hands_is_gone),
        TEST(one_entry_under_two_names_is_delivered_once),
    };
    return cmocka_run_group_tests_name("entry_lock", tests, NULL, NULL);
}
