/* The spool: a directory of entries, and everything that is done to its files. Only spool.c calls
 * the system about them; the rest of queue/ is built from what is offered here.
 *
 *     DIR/           0700, ours
 *       format       made last, when everything else is on disk
 *       tmp/ID       being written, or left by a crash
 *       queue/ID     accepted: to be delivered
 *       hold/ID      accepted, and held by somebody's order
 *       failed/ID    damaged, or given up without a bounce: kept and shown
 *       journal/ID   what became of ID's recipients so far, wherever ID is
 *       account/...  breaker and connection slots of each account
 *       stamp        when this spool was run
 *
 * Accepting:   tmp/ID created and locked, written, fsynced; renamed into queue/; queue/ fsynced.
 *              Only then is anybody told. The lock is held on through the first attempt.
 * Delivering:  queue/ID locked; name and descriptor compared; attempt; what became of recipients
 *              appended to journal/ID (synced if some were sent or failed); queue/ID removed, or
 *              its mtime set to the moment of the next attempt.
 * Bouncing:    bounce accepted as above, under an id that derives from ID; then the journal says
 *              so, or queue/ID goes.
 *
 * Nobody works on an entry without its lock (flock on the file itself, never waited for, gone with
 * its process). A file can be renamed or removed between open and lock, so whoever locks then asks
 * whether the name still means the descriptor.
 *
 * What a crash (SIGKILL at any instruction, or a power cut) can leave, and what the next run does:
 *
 *     left behind                         told the caller   the next run
 *     ---------------------------------   ---------------   ------------------------------------
 *     directories without `format`        nothing           syncs them again, then makes `format`
 *     tmp/ID, unlocked, any length        nothing           removes it (recovery.h)
 *     tmp/ID, locked                      -                 leaves it: somebody is writing
 *     queue/ID, queue/ not yet synced     nothing           delivers it (after a power cut it may
 *                                                           be gone: nobody was told)
 *     tmp/ID and queue/ID, one inode      accepted          removes tmp/ID, delivers
 *     queue/ID, no journal                accepted          delivers to all
 *     queue/ID after its last recipient   accepted          delivers again: the transaction in
 *       was sent, nothing journalled                        flight, or after a power cut those of
 *                                                           the last second
 *     journal line torn                   -                 passes over it, starts a new line
 *     journal: some sent, some waiting    -                 delivers to those waiting
 *     journal: failed, no bounce          -                 bounces them
 *     the same, bounce ID' in queue/      -                 finds ID' there, notes it, goes on
 *     all settled, queue/ID still there   -                 removes it
 *     journal/ID without ID               -                 removes it (recovery.h)
 *     mtime in the past or far future     -                 tries now
 *     ID in two of queue/ hold/ failed/   -                 one file system's rename was half
 *                                                           written: same inode, both are good;
 *                                                           what is done to one is done
 *     queue/ID cut short or altered       accepted          moves it to failed/, with a note
 *     queue/ID of a later version         accepted          leaves it, reports it
 *     other names, FIFOs, links, ...      -                 leaves them, reports them
 *     stamp, account/NAME torn            -                 starts them afresh
 *
 * Failures of the file system are account trouble, temporary, EX_TEMPFAIL. A failed fsync is never
 * tried again: what it failed on is taken back (accepting) or left as it was before (delivering).
 */
#ifndef SPOOL_H
#define SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "queue/entryid.h"

enum { SPOOL_NAME_MAX = 255, SPOOL_SYNC_INTERVAL = 1000 }; /* octets; milliseconds */

enum spool_place {
    SPOOL_TMP,
    SPOOL_QUEUE,
    SPOOL_HOLD,
    SPOOL_FAILED,
    SPOOL_JOURNAL,
    SPOOL_ACCOUNT,
    SPOOL_PLACES
};

/* Zeroed memory is a spool that is not open. */
struct spool {
    char *path;               /* NULL when not open */
    int dir;                  /* descriptor of DIR */
    int place[SPOOL_PLACES];  /* descriptors of its directories */
    bool dirty[SPOOL_PLACES]; /* changed since the last sync */
    int64_t dirty_since;      /* monotonic, milliseconds; 0 if nothing is dirty */
    int64_t last_id;          /* microseconds of the newest id made here: they ascend */
};

/* A file of the spool that was opened. */
struct spool_file {
    int fd;
    uint64_t size;
    int64_t mtime; /* seconds since 1970 */
};

enum spool_found {
    SPOOL_FOUND,
    SPOOL_BUSY,    /* somebody else has the lock */
    SPOOL_GONE,    /* no such file, or no longer */
    SPOOL_FOREIGN, /* not a regular file, or not ours: left alone */
    SPOOL_TROUBLE, /* the error says */
};

/* Opens the spool at PATH. With CREATE, what is missing of PATH and in it is made, mode 0700
 * whatever the umask, and synced with its parents; without, a spool that is not there is an error
 * with errno ENOENT. A directory that belongs to another uid, or that others may write to, is
 * refused. Close it with spool_close(), which may be called twice. */
bool spool_open(struct spool *spool, const char *path, bool create, struct error *err);
void spool_close(struct spool *spool);

/* A new id. */
bool spool_new_id(struct spool *spool, char id[ENTRYID_SIZE], struct error *err);

/* Creates tmp/ID, mode 0600, locked, and gives its descriptor. *EXISTS tells that there is such a
 * file and that it is locked; one that is not is removed first. */
bool spool_create(struct spool *spool, const char *id, int *fd, bool *exists, struct error *err);

/* Opens NAME for reading, with its lock unless LOCK is false. Nothing that is not a regular file
 * is opened for longer than it takes to see that, no FIFO is waited for, no link followed. */
enum spool_found spool_find(const struct spool *spool, enum spool_place place, const char *name,
                            bool lock, struct spool_file *file, struct error *err);

/* True if somebody has the lock of this descriptor, which was opened without. */
bool spool_is_locked(int fd);

/* True if ID is in queue/, hold/ or failed/. */
bool spool_has(const struct spool *spool, const char *id);

/* Size and mtime of NAME, by its name. SPOOL_FOUND, SPOOL_GONE or SPOOL_FOREIGN. */
enum spool_found spool_facts(const struct spool *spool, enum spool_place place, const char *name,
                             struct spool_file *file);

/* Writes all of it, at the end of what was written. Reads up to LEN octets at OFFSET; *GOT is less
 * only at the end. Flushes to disk. Sets mtime. Closes; a file that was written to is only safe if
 * this is true. */
bool spool_write(int fd, const void *data, size_t len, struct error *err);
bool spool_read(int fd, uint64_t offset, void *data, size_t len, size_t *got, struct error *err);
bool spool_flush(int fd, struct error *err);
bool spool_set_time(int fd, int64_t seconds, struct error *err);
bool spool_truncate(int fd, uint64_t size, struct error *err);
bool spool_end(int fd, struct error *err);

/* Renames ID from one place to the other, never over something that is there: *EXISTS (may be NULL)
 * tells that this was the reason. Neither directory is synced. */
bool spool_move(struct spool *spool, enum spool_place from, enum spool_place to, const char *id,
                bool *exists, struct error *err);

/* Removes NAME; not to find it is success. The directory is not synced. */
bool spool_remove(struct spool *spool, enum spool_place place, const char *name, struct error *err);

/* The same for signal handlers: safe there, and never fails. */
void spool_discard(const struct spool *spool, enum spool_place place, const char *name);

/* Syncs what was changed by moves and removals. The second does so only if the oldest change is
 * SPOOL_SYNC_INTERVAL old at NOW (clock_now()): call it after each delivery. */
bool spool_sync(struct spool *spool, struct error *err);
bool spool_sync_when_due(struct spool *spool, int64_t now, struct error *err);

/* Appends to NAME, which is made if it is missing, on a line of its own even if the last one was
 * torn. With DURABLE it is on disk, name and all, before this returns. *SIZE, if not NULL, gets the
 * new length. */
bool spool_append(struct spool *spool, enum spool_place place, const char *name,
                  const struct str *data, bool durable, uint64_t *size, struct error *err);

/* Appends what NAME holds, LIMIT octets at most; nothing if there is no such file. */
bool spool_load(const struct spool *spool, enum spool_place place, const char *name, size_t limit,
                struct str *out, struct error *err);

/* Puts DATA in the place of what NAME holds, in one step that a crash cannot cut in two, and on
 * disk. */
bool spool_replace(struct spool *spool, enum spool_place place, const char *name,
                   const struct str *data, struct error *err);

/* Opens NAME for reading and writing, made if missing, for files that are shared in place. *LOCKED
 * tells whether its lock, which is not waited for, was free. */
bool spool_share(const struct spool *spool, enum spool_place place, const char *name, int *fd,
                 bool *locked, struct error *err);

/* Calls EACH with every name of PLACE but those that begin with a dot, in no order, until it
 * returns false. */
bool spool_each(const struct spool *spool, enum spool_place place,
                bool (*each)(void *context, const char *name), void *context, struct error *err);

/* The stamp: as text, and when it was last written (seconds since 1970, 0 for never). */
bool spool_read_stamp(const struct spool *spool, struct str *out, int64_t *when, struct error *err);
bool spool_write_stamp(struct spool *spool, const struct str *text, struct error *err);

#endif
