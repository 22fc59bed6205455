#include "config.h"
#include "queue/entry_lock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/memory.h"
#include "queue/checksum.h"
#include "queue/schedule.h"
#include "queue/spoolfile.h"

enum {
    BLOCK = 64 * 1024, /* read at once where all of an entry is wanted */
    HEAD_BLOCK = 8192  /* where only its head and end are */
};

/* A file on its way to be an entry: its first octets are enough for most. */
struct reading {
    int fd;
    uint64_t size;
    char *block; /* the first GOT octets of the file, with room for ROOM and a NUL */
    size_t room, got;
    bool whole; /* the content is wanted, too */
};

static enum spool_found result_of(enum entry_state state)
{
    return state == ENTRY_GOOD ? SPOOL_FOUND : state == ENTRY_NEWER ? SPOOL_FOREIGN : SPOOL_DAMAGED;
}

static enum spool_found read_head(struct reading *reading, struct entry *entry, struct error *err)
{
    size_t length;
    reading->room = reading->whole ? BLOCK : HEAD_BLOCK;
    if (reading->size < reading->room)
        reading->room = (size_t)reading->size;
    reading->block = memory_resize(NULL, reading->room + 1, 1);
    ssize_t got = spoolfile_read(reading->fd, 0, reading->block, reading->room, err);
    if (got < 0)
        return SPOOL_UNREADABLE;
    reading->got = (size_t)got;
    enum entry_state state = entry_head_length(reading->block, reading->got, &length, err);
    if (state != ENTRY_GOOD)
        return result_of(state);
    if (length <= reading->got)
        return result_of(entry_decode_head(entry, reading->block, length, err));
    char *head = memory_new(length);
    enum spool_found result = SPOOL_UNREADABLE;
    got = spoolfile_read(reading->fd, 0, head, length, err);
    if (got >= 0)
        result = result_of(entry_decode_head(entry, head, (size_t)got, err));
    free(head);
    return result;
}

static enum spool_found read_end(struct reading *reading, struct entry *entry, uint64_t *sum,
                                 struct error *err)
{
    char mark[ENTRY_END_MARK];
    ssize_t got = ENTRY_END_MARK;
    uint64_t at = reading->size < ENTRY_END_MARK ? 0 : reading->size - ENTRY_END_MARK;
    if (reading->size <= reading->got && reading->size >= ENTRY_END_MARK) {
        memcpy(mark, reading->block + at, ENTRY_END_MARK);
    } else {
        got = spoolfile_read(reading->fd, at, mark, sizeof mark, err);
        if (got < 0)
            return SPOOL_UNREADABLE;
    }
    struct entry_end end = {.file_size = reading->size, .mark = mark, .len = (size_t)got};
    enum entry_state state = entry_decode_end(entry, &end, err);
    *sum = end.checksum;
    return result_of(state);
}

static enum spool_found check_sum(struct reading *reading, const struct entry *entry,
                                  uint64_t wanted, struct error *err)
{
    struct checksum sum;
    uint64_t end = entry->offset + entry->size;
    size_t got = reading->got;
    checksum_begin(&sum, 0);
    for (uint64_t at = 0; at < end; at += got) {
        ssize_t n = (ssize_t)got;
        if (at > 0)
            n = spoolfile_read(reading->fd, at, reading->block, reading->room, err);
        if (n < 0)
            return SPOOL_UNREADABLE;
        got = (size_t)n;
        if (got == 0)
            break;
        checksum_add(&sum, reading->block, end - at < got ? (size_t)(end - at) : got);
    }
    if (checksum_end(&sum) == wanted)
        return SPOOL_FOUND;
    error_set(err, ERROR_MESSAGE, ERROR_PERMANENT, EX_DATAERR,
              "damaged entry: its checksum is wrong");
    return SPOOL_DAMAGED;
}

/* The content of a small entry, which has just been read and found good, need not be read again. */
static void keep_content(struct reading *reading, const struct entry *entry, struct str *memory)
{
    if (reading->size > reading->got)
        return;
    memmove(reading->block, reading->block + entry->offset, (size_t)entry->size);
    reading->block[entry->size] = '\0';
    *memory =
        (struct str){.data = reading->block, .len = (size_t)entry->size, .size = reading->room + 1};
    reading->block = NULL;
}

/* With MEMORY, reads and checks the whole of it, and keeps the content there if that is small. */
static enum spool_found read_entry(int fd, uint64_t size, struct str *memory, struct entry *entry,
                                   struct error *err)
{
    struct reading reading = {.fd = fd, .size = size, .whole = memory != NULL};
    uint64_t sum;
    enum spool_found result = read_head(&reading, entry, err);
    if (result == SPOOL_FOUND)
        result = read_end(&reading, entry, &sum, err);
    if (result == SPOOL_FOUND && memory)
        result = check_sum(&reading, entry, sum, err);
    if (result == SPOOL_FOUND && memory)
        keep_content(&reading, entry, memory);
    free(reading.block);
    return result;
}

static void set_id(struct entry *entry, const char *id)
{
    memcpy(entry->id, id, ENTRYID_SIZE);
}

static bool is_id(const char *id, struct error *err)
{
    return entryid_valid(id) || error_set(err, ERROR_MESSAGE, ERROR_PERMANENT, EX_DATAERR,
                                          "'%s' is not the id of an entry", id);
}

/* Moves a damaged entry out of the way; the journal's note says why. */
static void quarantine(struct entry_lock *lock, struct error *err)
{
    struct error second;
    journal_clear(&lock->journal);
    journal_begin(&lock->journal, lock->entry.id, 0);
    if (!entry_lock_move(lock, SPOOL_FAILED, err->text, &second))
        error_prefix(err, "it could not be moved to failed/ (%s)", second.text);
}

/* entry_lock_begin() planned the next attempt, and the end of the one it began was not noted. A
 * moment that was to come when it was set is a plan, other times are those of accepted and released
 * entries. */
static bool was_interrupted(const struct spoolfile *file, const struct journal *journal)
{
    return file->planned && file->mtime != journal->next;
}

/* Notes in the journal of its original, which ORIGINAL has locked, that the bounce LOCK was made,
 * if it was not noted: then it is not known to be on disk either. */
static bool note_bounce(const struct entry_lock *lock, struct entry_lock *original,
                        struct error *err)
{
    unsigned number = entryid_number(lock->entry.id);
    if (number != original->journal.bounces + 1 || journal_unbounced(&original->journal) == 0)
        return true;
    journal_bounced(&original->journal, number);
    return spool_sync_directory(lock->spool, SPOOL_QUEUE, err) && entry_lock_save(original, err);
}

/* A process that was killed may have made the bounce LOCK and not noted that: once it is sent,
 * nothing else shows that there was one. SPOOL_FOUND if the original has the note, or is gone.
 */
static enum spool_found look_after_original(const struct entry_lock *lock, struct error *err)
{
    static const enum spool_directory directories[] = {SPOOL_QUEUE, SPOOL_HOLD, SPOOL_FAILED};
    unsigned number = entryid_number(lock->entry.id);
    struct entry_lock original = {0};
    enum spool_found result = SPOOL_GONE;
    if (!*lock->entry.bounce_of || number == 0 || number > ENTRYID_BOUNCES_MAX)
        return SPOOL_FOUND;
    for (size_t i = 0; result == SPOOL_GONE && i < sizeof directories / sizeof *directories; i++)
        result =
            entry_lock_take(&original, lock->spool, directories[i], lock->entry.bounce_of, err);
    if (result == SPOOL_FOUND && !note_bounce(lock, &original, err))
        result = SPOOL_UNREADABLE;
    entry_lock_release(&original);
    return result == SPOOL_BUSY || result == SPOOL_UNREADABLE ? result : SPOOL_FOUND;
}

enum spool_found entry_lock_take(struct entry_lock *lock, struct spool *spool,
                                 enum spool_directory directory, const char *id, struct error *err)
{
    struct spoolfile file;
    if (!is_id(id, err))
        return SPOOL_FOREIGN;
    enum spool_found result = spoolfile_take(spool, directory, id, &file, err);
    if (result != SPOOL_FOUND)
        return result;
    *lock = (struct entry_lock){
        .spool = spool, .directory = directory, .fd = file.fd, .other_names = file.other_names};
    set_id(&lock->entry, id);
    struct str memory = {0};
    result = read_entry(file.fd, file.size, &memory, &lock->entry, err);
    if (result == SPOOL_FOUND) {
        journal_begin(&lock->journal, id, lock->entry.envelope.n);
        if (!journal_file_read(&lock->file, spool, &lock->journal, err))
            result = SPOOL_UNREADABLE;
    }
    if (result == SPOOL_FOUND)
        result = look_after_original(lock, err);
    if (result == SPOOL_FOUND) {
        lock->interrupted = was_interrupted(&file, &lock->journal);
        entry_lock_show_content(lock);
        if (memory.data) {
            lock->content.memory = memory;
            lock->content.in_file = false;
        }
        return result;
    }
    str_clear(&memory);
    if (result == SPOOL_DAMAGED && directory != SPOOL_FAILED)
        quarantine(lock, err);
    entry_lock_release(lock);
    return result;
}

void entry_lock_show_content(struct entry_lock *lock)
{
    lock->content = (struct content){.fd = lock->fd,
                                     .in_file = true,
                                     .borrowed = true,
                                     .offset = lock->entry.offset,
                                     .size = lock->entry.size,
                                     .has_8bit = lock->entry.has_8bit,
                                     .has_8bit_header = lock->entry.has_8bit_header};
}

/* Opens the entry and reads its head: FILE is open if the result is SPOOL_FOUND. */
static enum spool_found open_head(const struct spool *spool, enum spool_directory directory,
                                  struct entry *entry, struct spoolfile *file, struct error *err)
{
    enum spool_found result = spoolfile_find(spool, directory, entry->id, file, err);
    if (result != SPOOL_FOUND)
        return result;
    result = read_entry(file->fd, file->size, NULL, entry, err);
    if (result != SPOOL_FOUND)
        spoolfile_close(file->fd);
    return result;
}

enum spool_found entry_lock_peek(const struct spool *spool, enum spool_directory directory,
                                 const char *id, struct entry *entry, struct error *err)
{
    struct spoolfile file;
    if (!is_id(id, err))
        return SPOOL_FOREIGN;
    set_id(entry, id);
    enum spool_found result = open_head(spool, directory, entry, &file, err);
    if (result == SPOOL_FOUND)
        spoolfile_close(file.fd);
    return result;
}

enum spool_found entry_lock_view(const struct spool *spool, enum spool_directory directory,
                                 const char *id, struct entry_view *view, struct error *err)
{
    struct spoolfile file;
    struct journal_file journal_file;
    if (!is_id(id, err))
        return SPOOL_FOREIGN;
    set_id(&view->entry, id);
    enum spool_found result = open_head(spool, directory, &view->entry, &file, err);
    if (result != SPOOL_FOUND)
        return result;
    journal_begin(&view->journal, id, view->entry.envelope.n);
    if (view->has_journal && !journal_file_read(&journal_file, spool, &view->journal, err))
        result = SPOOL_UNREADABLE;
    view->interrupted = was_interrupted(&file, &view->journal);
    view->active = spoolfile_is_locked(file.fd);
    spoolfile_close(file.fd);
    return result;
}

void entry_view_clear(struct entry_view *view)
{
    journal_clear(&view->journal);
    entry_clear(&view->entry);
}

static void note_interruption(struct entry_lock *lock, int64_t now)
{
    struct error why;
    (void)error_set(&why, ERROR_MESSAGE, ERROR_TEMPORARY, EX_TEMPFAIL, ENTRY_LOCK_INTERRUPTED);
    for (size_t i = 0; i < lock->journal.n; i++)
        journal_settle(&lock->journal, i, JOURNAL_WAITING, &why);
    journal_undecided(&lock->journal);
    journal_attempt(&lock->journal, now, now);
    lock->interrupted = false;
}

/* Octets of the shortest note of an attempt. Where one recipient waits and all others are settled,
 * that it was sent is noted by the removal of the entry, and anything else can be forgotten. */
static size_t room_for(const struct journal *journal)
{
    size_t waiting = journal_count(journal, JOURNAL_WAITING);
    bool sent_alone = waiting == 1 && journal_unbounced(journal) == 0;
    return waiting == 0 || sent_alone ? 0 : (waiting + 1) * JOURNAL_SENT_MAX;
}

enum entry_lock_begun entry_lock_begin(struct entry_lock *lock, int64_t now, struct error *err)
{
    const char *id = lock->entry.id;
    if (lock->next != 0)
        return ENTRY_LOCK_BEGUN;
    if (lock->interrupted)
        note_interruption(lock, now);
    int64_t next = now + schedule_interval(lock->journal.attempts + 1,
                                           checksum_of(id, strlen(id), (uint64_t)now));
    /* The time last: it says that the attempt has begun. */
    if (entry_lock_save(lock, err) &&
        journal_file_reserve(&lock->file, lock->spool, id, room_for(&lock->journal), err) &&
        entry_lock_postpone(lock, next, err)) {
        lock->next = next;
        return ENTRY_LOCK_BEGUN;
    }
    return spool_is_full(errno) ? ENTRY_LOCK_NO_ROOM : ENTRY_LOCK_UNNOTED;
}

bool entry_lock_save(struct entry_lock *lock, struct error *err)
{
    return journal_file_save(&lock->file, lock->spool, &lock->journal, err);
}

bool entry_lock_postpone(struct entry_lock *lock, int64_t next, struct error *err)
{
    return spoolfile_set_time(lock->fd, next, err);
}

/* The journal is removed last: without it an entry would be sent again to all. */
static bool remove_files(struct entry_lock *lock, struct error *err)
{
    static const enum spool_directory directories[] = {SPOOL_TMP, SPOOL_QUEUE, SPOOL_HOLD,
                                                       SPOOL_FAILED};
    const char *id = lock->entry.id;
    if (lock->other_names) {
        for (size_t i = 0; i < sizeof directories / sizeof *directories; i++)
            if (!spoolfile_remove(lock->spool, directories[i], id, err))
                return false;
    } else if (!spoolfile_remove(lock->spool, lock->directory, id, err)) {
        return false;
    }
    return lock->file.size == 0 || spoolfile_remove(lock->spool, SPOOL_JOURNAL, id, err);
}

bool entry_lock_remove(struct entry_lock *lock, struct error *err)
{
    struct error second; /* the first one is reported */
    bool ok = remove_files(lock, err);
    if (!ok)
        (void)entry_lock_save(lock, &second);
    entry_lock_release(lock);
    return ok;
}

enum spool_found entry_lock_delete(struct spool *spool, enum spool_directory directory,
                                   const char *id, struct error *err)
{
    struct spoolfile file;
    if (!is_id(id, err))
        return SPOOL_FOREIGN;
    enum spool_found result = spoolfile_take(spool, directory, id, &file, err);
    if (result != SPOOL_FOUND)
        return result;
    struct entry_lock lock = {.spool = spool,
                              .directory = directory,
                              .fd = file.fd,
                              .file.size = 1, /* there may be one: not to find it is no error */
                              .other_names = file.other_names};
    set_id(&lock.entry, id);
    return entry_lock_remove(&lock, err) && spool_sync(spool, err) ? SPOOL_FOUND : SPOOL_UNREADABLE;
}

bool entry_lock_move(struct entry_lock *lock, enum spool_directory directory, const char *note,
                     struct error *err)
{
    struct spool *spool = lock->spool;
    if (note)
        journal_note(&lock->journal, note);
    bool ok = entry_lock_save(lock, err) &&
              (directory != SPOOL_QUEUE || entry_lock_postpone(lock, 0, err)) &&
              spoolfile_move(spool, lock->directory, directory, lock->entry.id, err) &&
              spool_sync_directory(spool, directory, err) &&
              spool_sync_directory(spool, lock->directory, err);
    entry_lock_release(lock);
    return ok;
}

void entry_lock_release(struct entry_lock *lock)
{
    if (!lock->spool)
        return;
    content_clear(&lock->content);
    journal_clear(&lock->journal);
    entry_clear(&lock->entry);
    spoolfile_close(lock->fd); /* which releases the lock */
    *lock = (struct entry_lock){0};
}
