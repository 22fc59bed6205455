/* A spool in a directory of its own, for tests: made, filled, looked into, and removed. */
#ifndef SPOOLDIR_H
#define SPOOLDIR_H

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/output.h"
#include "base/str.h"
#include "queue/entry_lock.h"
#include "queue/entry_writer.h"
#include "queue/spool.h"

struct spooldir {
    char path[64];
    struct spool spool;
    struct error err;
};

static inline int spooldir_remove_one(const char *path, const struct stat *st, int kind,
                                      struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static inline int spooldir_begin(void **state)
{
    struct spooldir *dir = calloc(1, sizeof *dir);
    snprintf(dir->path, sizeof dir->path, "/tmp/onehop-spool-XXXXXX");
    if (!mkdtemp(dir->path) || !spool_open(&dir->spool, dir->path, true, &dir->err))
        return -1;
    *state = dir;
    return 0;
}

static inline int spooldir_end(void **state)
{
    struct spooldir *dir = *state;
    spool_close(&dir->spool);
    nftw(dir->path, spooldir_remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(dir);
    return 0;
}

/* PATH below the spool; valid until the next call. */
static inline const char *spooldir_path(const struct spooldir *dir, const char *directory,
                                        const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s/%s", dir->path, directory, name);
    return path;
}

static inline bool spooldir_exists(const struct spooldir *dir, const char *directory,
                                   const char *name)
{
    struct stat facts;
    return lstat(spooldir_path(dir, directory, name), &facts) == 0;
}

static inline void spooldir_put(const struct spooldir *dir, const char *directory, const char *name,
                                const char *text, size_t len)
{
    int fd = open(spooldir_path(dir, directory, name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, text, len) != (ssize_t)len || close(fd) != 0)
        abort();
}

/* Fills ENTRY with an ordinary envelope of N recipients. */
static inline void spooldir_fill(struct entry *entry, int n)
{
    *entry = (struct entry){.account = memory_copy("work"), .from = memory_copy("root@web1")};
    envelope_set_sender(&entry->envelope, "me@example.org");
    for (int i = 0; i < n; i++) {
        struct str address = {0};
        str_addf(&address, "r%d@example.com", i);
        envelope_add(&entry->envelope, address.data);
        str_clear(&address);
    }
}

/* Accepts a message for N recipients and gives its id; with LOCK the entry stays claimed. */
static inline bool spooldir_submit(struct spooldir *dir, const char *text, int n, char *id,
                                   struct entry_lock *lock)
{
    struct entry entry;
    struct entry_writer writer;
    struct entry_lock held;
    spooldir_fill(&entry, n);
    bool ok = entry_writer_begin(&writer, &dir->spool, &entry, &dir->err) &&
              output_write(&writer.output, text, strlen(text), &dir->err) &&
              entry_writer_commit(&writer, &held, &dir->err);
    entry_clear(&entry);
    if (!ok) {
        entry_writer_drop(&writer);
        return false;
    }
    memcpy(id, held.entry.id, ENTRYID_SIZE);
    if (lock)
        *lock = held;
    else
        entry_lock_release(&held);
    return true;
}

/* Takes an entry of queue/; LOCK need not be zeroed. */
static inline enum spool_found spooldir_take(struct spooldir *dir, const char *id,
                                             struct entry_lock *lock)
{
    memset(lock, 0, sizeof *lock);
    return entry_lock_take(lock, &dir->spool, SPOOL_QUEUE, id, &dir->err);
}

/* A refusal. */
static inline struct error spooldir_refusal(int reply_code, const char *status, const char *text,
                                            const char *reply)
{
    struct error err;
    error_set(&err, ERROR_RECIPIENT, reply_code < 500 ? ERROR_TEMPORARY : ERROR_PERMANENT, 67, "%s",
              text);
    err.reply_code = reply_code;
    snprintf(err.status, sizeof err.status, "%s", status);
    snprintf(err.reply, sizeof err.reply, "%s", reply);
    return err;
}

#endif
