/* The spool: a directory of entries, and the meaning of each of its files. Only spool.c (the
 * directories) and spoolfile.c (the files) call the system about it; the rest of queue/ is built
 * from what these two offer.
 *
 *     DIR/           0700, ours
 *       format       made last, when everything else is on disk
 *       tmp/ID       being written, or left by a crash
 *       queue/ID     accepted: to be delivered
 *       hold/ID      accepted, and held by order of a person
 *       failed/ID    damaged, or expired without a bounce: kept and shown
 *       journal/ID   results for ID's recipients so far, wherever ID is, and room for more
 *       account/...  breaker, connection slots and counters of each account, and what
 *                    alert_command reported
 *       stamp        when this spool was run
 *
 * Accepting:   tmp/ID created and locked, written, fsynced; renamed into queue/; queue/ fsynced.
 *              Only then is the caller answered. The lock is kept through the first attempt.
 * Delivering:  queue/ID locked; name and descriptor compared; attempt begun: its mtime set to the
 *              moment of the next attempt and, where results can differ, room kept in
 *              journal/ID; attempt; results written to journal/ID (synced if some
 *              recipients were sent or failed); queue/ID removed.
 * Bouncing:    bounce accepted as above, under an id that derives from ID; then the journal says
 *              so, or queue/ID is removed. No process delivers the bounce before.
 *
 * Nothing is sent of an entry whose attempt could not be begun: on a file system that is read-only,
 * broken or full it would be sent again and again. A time that was planned and is not the
 * journal's is that of an attempt whose end was not noted (its process was killed, the disk broke):
 * the next attempt notes that first, and the intervals between attempts grow.
 *
 * No process works on an entry without its lock (flock on the file itself, never waited for,
 * released with its process). A file can be renamed or removed between open and lock, so a process
 * that locks it then compares the name with the descriptor.
 *
 * What a crash (SIGKILL at any instruction, or a power cut) can leave, and what the next run does:
 *
 *     left behind                         reply to caller   the next run
 *     ---------------------------------   ---------------   ------------------------------------
 *     `format`, a directory missing       -                 an administrator removed it: makes it
 *     some directories, no `format`       nothing           the next submission makes the rest
 *     all directories, no `format`        perhaps accepted  syncs them again, then makes `format`
 *     tmp/ID, unlocked, any length        nothing           removes it (recovery.h)
 *     tmp/ID, locked                      -                 leaves it: it is being written
 *     queue/ID, queue/ not yet synced     nothing           delivers it (after a power cut it may
 *                                                           be gone: there was no reply)
 *     tmp/ID and queue/ID, one inode      accepted          removes tmp/ID, delivers
 *     queue/ID, no journal                accepted          delivers to all
 *     queue/ID after its last recipient   accepted          delivers again: the transactions in
 *       was sent, nothing journalled                        flight (one, or a window of them), or
 *                                                           after a power cut those of the last
 *                                                           second
 *     queue/ID planned, not noted         accepted          notes an interrupted attempt, then
 *                                                           delivers to those who wait
 *     journal/ID with nothing but room    -                 writes over it
 *     journal line torn                   -                 passes over it, starts a new line
 *     journal: some sent, some waiting    -                 delivers to those waiting
 *     journal: failed, no bounce          -                 bounces them
 *     the same, bounce ID' in queue/      -                 finds ID' there, notes it
 *     the same, ID' is due before ID      -                 notes it for ID, then delivers ID'
 *     journal: the delay was reported     -                 nothing: if the report was not made
 *                                                           yet, there is none
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
 * What a file system that became unusable while it runs can leave:
 *
 *     read-only before an attempt         accepted          tries nothing, reports it
 *     read-only during an attempt         accepted          the same; when it is writable again,
 *                                                           what was in flight is repeated
 *     full: no room for a journal         accepted          tries entries with one recipient, whose
 *                                                           removal is their note, and no others
 *     full during an attempt              accepted          the recipients it was sent to are in
 *                                                           the room that was kept; others wait
 *     full: no room for a bounce          -                 bounces when there is
 *     queue/ID cannot be removed          accepted          its journal says that all is done
 *
 * Failures of the file system have the account's scope, are temporary, EX_TEMPFAIL.
 * A failed fsync is never tried again: what it failed on is taken back (accepting) or left as it
 * was before (delivering).
 */
#ifndef SPOOL_H
#define SPOOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "queue/entryid.h"

enum {
    SPOOL_NAME_MAX = 255,       /* octets */
    SPOOL_STAMP_MAX = 4096,     /* octets */
    SPOOL_SYNC_INTERVAL = 1000, /* milliseconds */
    SPOOL_FLOOR = 64 * 1024 * 1024,
    SPOOL_FLOOR_FILES = 1000,
};

enum spool_directory {
    SPOOL_TMP,
    SPOOL_QUEUE,
    SPOOL_HOLD,
    SPOOL_FAILED,
    SPOOL_JOURNAL,
    SPOOL_ACCOUNT,
    SPOOL_DIRECTORIES
};

/* What was found under a name. */
enum spool_found {
    SPOOL_FOUND,
    SPOOL_BUSY,       /* another process has the lock */
    SPOOL_GONE,       /* no such file, or no longer: delivered, removed or moved */
    SPOOL_FOREIGN,    /* not a file of ours, or of a later version: stays where it is; ERR says */
    SPOOL_DAMAGED,    /* an entry that was moved to failed/; ERR says */
    SPOOL_UNREADABLE, /* now; ERR says */
};

/* Zeroed memory is a spool that is not open. */
struct spool {
    char *path;                       /* NULL when not open */
    int dir;                          /* descriptor of DIR */
    int directory[SPOOL_DIRECTORIES]; /* descriptors of its directories */
    bool dirty[SPOOL_DIRECTORIES];    /* changed since the last sync */
    int64_t dirty_since;              /* monotonic, milliseconds; 0 if nothing is dirty */
    int64_t last_id;                  /* microseconds of the newest id made here: they ascend */
};

/* Opens the spool at PATH. With CREATE, what is missing of PATH and in it is made, mode 0700
 * whatever the umask, and synced with its parents; without, a spool that is not there is an error
 * with errno ENOENT. A directory that belongs to another uid, or that others may write to, is
 * refused. Close it with spool_close(), which may be called twice. */
bool spool_open(struct spool *spool, const char *path, bool create, struct error *err);
void spool_close(struct spool *spool);

/* A new id. */
bool spool_new_id(struct spool *spool, char id[ENTRYID_SIZE], struct error *err);

/* True if ID is in queue/, hold/ or failed/. */
bool spool_has(const struct spool *spool, const char *id);

/* Syncs one directory. */
bool spool_sync_directory(struct spool *spool, enum spool_directory directory, struct error *err);

/* Syncs what was changed by moves and removals. The second does so only if the oldest change is
 * SPOOL_SYNC_INTERVAL old at NOW (clock_now()): call it after each delivery. */
bool spool_sync(struct spool *spool, struct error *err);
bool spool_sync_when_due(struct spool *spool, int64_t now, struct error *err);

/* Calls EACH with every name of DIRECTORY but those that begin with a dot, in no order, until it
 * returns false. */
bool spool_each(const struct spool *spool, enum spool_directory directory,
                bool (*each)(void *context, const char *name), void *context, struct error *err);

/* The name of DIRECTORY, for messages. */
const char *spool_directory_name(enum spool_directory directory);

/* Notes that a name in DIRECTORY came or went. */
void spool_mark(struct spool *spool, enum spool_directory directory);

/* Opens NAME in a directory of the spool: open(2) with what every file of it needs (close-on-exec,
 * no link followed, no FIFO waited for, mode 0600 if made), EINTR taken care of. */
int spool_open_at(int dir, const char *name, int flags);

/* Fills ERR by FORMAT, which has one %s, for WHERE/NAME, and with errno, which stays. Returns
 * false. */
bool spool_failure(struct error *err, const char *format, const char *where, const char *name);

/* True for an errno that says that there is no space (ENOSPC, EDQUOT, EFBIG): to write less can
 * still work. */
bool spool_is_full(int number);

/* Gives an error that errno made the status SPOOL_FULL (RFC 3463), where errno is one of these. */
void spool_set_status(struct error *err);
#define SPOOL_FULL "4.3.1"

/* False if a message may not be accepted because the file system is nearly full: a fiftieth of it
 * (SPOOL_FLOOR octets and SPOOL_FLOOR_FILES files at most) is left for the notes and bounces of
 * mail that is here, and for everybody else. The error has status SPOOL_FULL. */
bool spool_has_room(const struct spool *spool, struct error *err);

/* The stamp, a text; nothing if there is none. */
bool spool_read_stamp(const struct spool *spool, struct str *out, struct error *err);
bool spool_write_stamp(struct spool *spool, const struct str *text, struct error *err);

#endif
