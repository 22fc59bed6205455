/* A locked entry, checked from the first octet to the last, with its journal. Only the process that
 * holds the lock delivers, holds or removes the entry; the lock is released when the process ends
 * if not before. A child made by fork() shares it: it is released when both have released it. */
#ifndef ENTRY_LOCK_H
#define ENTRY_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "message/content.h"
#include "queue/entry.h"
#include "queue/journal.h"
#include "queue/journal_file.h"
#include "queue/spool.h"

/* Why an entry waits whose last attempt ended unnoted. */
#define ENTRY_LOCK_INTERRUPTED "the last attempt was ended before its result was known"

/* Zeroed memory holds nothing. */
struct entry_lock {
    struct spool *spool; /* NULL when nothing is held */
    enum spool_directory directory;
    int fd;
    struct entry entry;
    struct journal journal;
    struct journal_file file; /* of the journal */
    int64_t next;             /* the next attempt, if this one ends unnoted; 0: none has begun */
    bool interrupted;         /* the last attempt ended unnoted */
    bool other_names;         /* the file is in another directory of the spool, too */
    struct content content; /* borrowed from fd, or in memory if small: valid as long as the lock */
};

enum entry_lock_begun {
    ENTRY_LOCK_BEGUN,
    ENTRY_LOCK_NO_ROOM, /* for its journal: others may need none; ERR says */
    ENTRY_LOCK_UNNOTED, /* nothing can be noted now: read-only, a bad disk; ERR says */
};

/* Takes the entry ID at DIRECTORY (queue/, hold/ or failed/; in failed/ damage is only reported). A
 * bounce is taken when its original's journal has it, which this notes if need be, and busy while
 * its original is.
 * LOCK must be zeroed, and is so again unless the result is SPOOL_FOUND. */
enum spool_found entry_lock_take(struct entry_lock *lock, struct spool *spool,
                                 enum spool_directory directory, const char *id, struct error *err);

/* Reads an entry's head without lock and without the content: for choosing. ENTRY must be zeroed;
 * clear it in any case. The results are those of entry_lock_take(), but nothing is moved
 * and SPOOL_FOUND takes nothing. */
enum spool_found entry_lock_peek(const struct spool *spool, enum spool_directory directory,
                                 const char *id, struct entry *entry, struct error *err);

/* What a listing shows of an entry. */
struct entry_view {
    bool has_journal; /* to be set: false says that it is known to have none, and saves looking */
    struct entry entry;
    struct journal journal;
    bool active;      /* a process works on it */
    bool interrupted; /* as of struct entry_lock */
};

/* The same with journal and state. VIEW must be zeroed but for its first member; clear it in any
 * case. To find out whether a process works on it takes a shared lock for a moment; a process that
 * wants the entry just then finds it busy and comes back. */
enum spool_found entry_lock_view(const struct spool *spool, enum spool_directory directory,
                                 const char *id, struct entry_view *view, struct error *err);
void entry_view_clear(struct entry_view *view);

/* To be called before the first packet of an attempt: nothing may be sent unless it returns
 * ENTRY_LOCK_BEGUN. Moves the next attempt ahead of NOW (seconds since 1970) by the interval that
 * follows this attempt, so that whatever ends it, the next one is not at once. Where the results of
 * the recipients can differ, room for the shortest note of them is reserved in the journal. An
 * attempt before this one that ended unnoted (its process was killed) is noted first, which makes
 * the intervals grow. Costs one system call where one recipient waits. May be called again. */
enum entry_lock_begun entry_lock_begin(struct entry_lock *lock, int64_t now, struct error *err);

/* Writes what the journal has pending; to disk if some recipient was sent or failed. Without room
 * for all of it, and with what entry_lock_begin() reserved, at least that it was sent to whom it
 * was sent. Where this, or entry_lock_remove(), fails, end the run. */
bool entry_lock_save(struct entry_lock *lock, struct error *err);

/* The next attempt is at NEXT (seconds since 1970). The lock is kept. */
bool entry_lock_postpone(struct entry_lock *lock, int64_t next, struct error *err);

/* Ends the lock and the entry. What the journal has pending is written only if the removal fails:
 * then the lock still ends. The removal is on disk after the next spool_sync(). */
bool entry_lock_remove(struct entry_lock *lock, struct error *err);

/* Removes the entry ID from DIRECTORY, readable or not, if no process works on it: SPOOL_FOUND
 * (and it is gone, on disk), SPOOL_BUSY, SPOOL_GONE, SPOOL_FOREIGN, SPOOL_UNREADABLE.
 */
enum spool_found entry_lock_delete(struct spool *spool, enum spool_directory directory,
                                   const char *id, struct error *err);

/* Ends the lock and moves the entry to DIRECTORY: hold/, failed/ or back to queue/ (where it is due
 * at once). NOTE, if not NULL, is written into the journal. On disk when this returns. */
bool entry_lock_move(struct entry_lock *lock, enum spool_directory directory, const char *note,
                     struct error *err);

/* Sets `content` from the entry: for entry_writer_commit(), which makes locks, too. */
void entry_lock_show_content(struct entry_lock *lock);

/* Ends the lock; the entry stays. May be called twice. */
void entry_lock_release(struct entry_lock *lock);

#endif
