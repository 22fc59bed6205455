/* The files of a spool, one at a time: found, locked, created, read, written, renamed, removed.
 * spool.h says what they mean; this file and spool.c alone make the system calls.
 *
 * Failures have the account's scope, are temporary, EX_TEMPFAIL. EINTR is handled here, but for
 * fsync, which is never called twice. */
#ifndef SPOOLFILE_H
#define SPOOLFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/str.h"
#include "queue/spool.h"

enum { SPOOLFILE_LOAD_MAX = 256 * 1024 * 1024 }; /* octets */

/* A file that was opened. */
struct spoolfile {
    int fd;
    uint64_t size;
    int64_t mtime;    /* seconds since 1970 */
    bool planned;     /* mtime was set to a moment that was to come */
    bool other_names; /* a rename was half done by a file system or a crash */
};

/* Creates tmp/ID, mode 0600, locked, and gives its descriptor. A leftover of the same name is
 * removed first. *TAKEN: another process has the lock of it, because it writes there, or
 * removes the file as a leftover: use another id. */
bool spoolfile_create(const struct spool *spool, const char *id, int *fd, bool *taken,
                      struct error *err);

/* Opens NAME for reading; spoolfile_take() with its lock, which ends with the descriptor. Nothing
 * that is not a regular file is opened for longer than it takes to see that, no FIFO is waited for,
 * no link followed. */
enum spool_found spoolfile_find(const struct spool *spool, enum spool_directory directory,
                                const char *name, struct spoolfile *file, struct error *err);
enum spool_found spoolfile_take(const struct spool *spool, enum spool_directory directory,
                                const char *name, struct spoolfile *file, struct error *err);

/* The same facts without opening it (fd is unset): found, gone or foreign; no error is filled. */
enum spool_found spoolfile_facts(const struct spool *spool, enum spool_directory directory,
                                 const char *name, struct spoolfile *file);

/* True if another process has the lock of this descriptor, which was opened without. To find out
 * takes a shared lock: close the descriptor then. */
bool spoolfile_is_locked(int fd);

/* Writes all of it, behind what was written before, or at OFFSET in one step. Reads up to LEN
 * octets at OFFSET and returns how many, which is less only at the end; -1 on failure. Flushes to
 * disk: never call it again where it failed. Sets mtime. */
bool spoolfile_write(int fd, const void *data, size_t len, struct error *err);
bool spoolfile_write_at(int fd, uint64_t offset, const void *data, size_t len, struct error *err);
ssize_t spoolfile_read(int fd, uint64_t offset, void *data, size_t len, struct error *err);
bool spoolfile_flush(int fd, struct error *err);
bool spoolfile_set_time(int fd, int64_t seconds, struct error *err);

/* Closes what was only read, was synced, or is dropped. -1 is allowed. */
void spoolfile_close(int fd);

/* Renames ID from one directory to the other, never over something else that is there: then it
 * fails and errno is EEXIST. Neither directory is synced. */
bool spoolfile_move(struct spool *spool, enum spool_directory from, enum spool_directory to,
                    const char *id, struct error *err);

/* Removes NAME; not to find it is success. The directory is not synced. */
bool spoolfile_remove(struct spool *spool, enum spool_directory directory, const char *name,
                      struct error *err);

/* The same for signal handlers: safe there, and never fails. */
void spoolfile_discard(const struct spool *spool, enum spool_directory directory, const char *name);

/* Takes back the file ID, which FD has open for writing, so that no process takes it for an entry:
 * cuts it to nothing and removes it. */
void spoolfile_take_back(const struct spool *spool, enum spool_directory directory, const char *id,
                         int fd);

/* Opens NAME, a regular file, for reading and writing, and makes it if it is missing. -1: errno
 * says why. */
int spoolfile_open(int dir, const char *name);

struct spoolfile_patch {
    uint64_t offset;
    const struct str *data;
    bool durable; /* on disk, name and all, before spoolfile_put() returns */
};

/* Writes PATCH into NAME, which is made if it is missing. If it fails, errno says why. */
bool spoolfile_put(struct spool *spool, enum spool_directory directory, const char *name,
                   const struct spoolfile_patch *patch, struct error *err);

/* Appends what NAME holds to OUT, SPOOLFILE_LOAD_MAX octets at most, give or take a block; nothing
 * if there is no such file. */
bool spoolfile_load(const struct spool *spool, enum spool_directory directory, const char *name,
                    struct str *out, struct error *err);

/* Puts DATA in the place of what the file ID holds, in one step that a crash cannot cut in two, and
 * on disk. */
bool spoolfile_replace(struct spool *spool, enum spool_directory directory, const char *id,
                       const struct str *data, struct error *err);

/* Opens account/NAME for reading and writing, made if missing, for files that are shared in place.
 * *LOCKED: its lock, which is not waited for, was free and is ours now. */
bool spoolfile_share(const struct spool *spool, const char *name, int *fd, bool *locked,
                     struct error *err);

/* Waits for the lock of a shared file, SPAN milliseconds at most. True: it is ours. */
bool spoolfile_lock(int fd, int span);

/* Makes DATA all that a shared file holds. Not synced. */
bool spoolfile_overwrite(int fd, const struct str *data, struct error *err);

#endif
