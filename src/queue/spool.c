#include "config.h"
#include "queue/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/directory.h"
#include "base/filewrite.h"
#include "base/memory.h"
#include "base/translation.h"
#include "queue/spoolfile.h"

enum { DIRECTORY_MODE = 0700, FILE_MODE = 0600 };

static const char *const directory_names[SPOOL_DIRECTORIES] = {
    [SPOOL_TMP] = "tmp",       [SPOOL_QUEUE] = "queue",     [SPOOL_HOLD] = "hold",
    [SPOOL_FAILED] = "failed", [SPOOL_JOURNAL] = "journal", [SPOOL_ACCOUNT] = "account",
};

static const char format_name[] = "format";
static const char format_text[] = "onehop-spool 1\n";
static const char stamp_name[] = "stamp";

bool spool_failure(struct error *err, const char *format, const char *where, const char *name)
{
    int number = errno;
    struct str path = {0};
    str_addf(&path, "%s%s%s", where, *name ? "/" : "", name);
    errno = number;
    error_system(err, EX_TEMPFAIL, format, str_text(&path));
    str_clear(&path);
    spool_set_status(err);
    errno = number;
    return false;
}

void spool_set_status(struct error *err)
{
    if (spool_is_full(errno))
        (void)snprintf(err->status, sizeof err->status, "%s", SPOOL_FULL);
}

bool spool_is_full(int number)
{
    return number == ENOSPC || number == EDQUOT || number == EFBIG;
}

/* TOTAL is 0 where there is no such limit, as with the inodes of btrfs. */
static bool is_low(uint64_t available, uint64_t total, uint64_t floor)
{
    uint64_t part = total / 50 + 1;
    return total > 0 && available <= (part < floor ? part : floor);
}

bool spool_has_room(const struct spool *spool, struct error *err)
{
    struct statvfs facts;
    if (fstatvfs(spool->dir, &facts) != 0)
        return true; /* writing shows it */
    bool octets = is_low((uint64_t)facts.f_bavail, (uint64_t)facts.f_blocks,
                         SPOOL_FLOOR / (facts.f_frsize ? facts.f_frsize : 1));
    if (!octets && !is_low((uint64_t)facts.f_favail, (uint64_t)facts.f_files, SPOOL_FLOOR_FILES))
        return true;
    if (octets)
        (void)error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL,
                        "spool: the file system of %s has too few free blocks", spool->path);
    else
        (void)error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL,
                        "spool: the file system of %s has too few free inodes", spool->path);
    (void)snprintf(err->status, sizeof err->status, "%s", SPOOL_FULL);
    return false;
}

int spool_open_at(int dir, const char *name, int flags)
{
    int fd;
    do
        fd = openat(dir, name, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, FILE_MODE);
    while (fd < 0 && errno == EINTR);
    return fd;
}

static bool sync_directory(int fd, struct error *err, const char *where)
{
    if (filewrite_sync_directory(fd))
        return true;
    return spool_failure(err, N_("spool: cannot sync %s"), where, "");
}

static bool sync_above(const char *path, struct error *err)
{
    return directory_sync_parent(path) ||
           spool_failure(err, N_("spool: cannot sync what is above %s"), path, "");
}

/* Opening. */

static bool open_directory(struct spool *spool, bool create, struct error *err)
{
    spool->dir = directory_open(spool->path);
    if (spool->dir < 0 && errno == ENOENT && create) {
        if (!directory_make_path(spool->path))
            return spool_failure(err, N_("spool: cannot make %s"), spool->path, "");
        spool->dir = directory_open(spool->path);
    }
    struct stat facts;
    if (spool->dir < 0 || fstat(spool->dir, &facts) != 0)
        return spool_failure(err, N_("spool: cannot open %s"), spool->path, "");
    if (facts.st_uid != geteuid() || (facts.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        errno = EPERM;
        return error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL,
                         "spool: %s belongs to uid %ld with mode %04o: it must be writable for "
                         "uid %ld and nobody else",
                         spool->path, (long)facts.st_uid, (unsigned)facts.st_mode & 07777,
                         (long)geteuid());
    }
    return true;
}

/* Opens NAME, and with CREATE makes it if it is missing: *MADE is set then. */
static bool open_one(struct spool *spool, enum spool_directory directory, bool create, bool *made,
                     struct error *err)
{
    const char *name = directory_names[directory];
    int *fd = &spool->directory[directory];
    *fd = spool_open_at(spool->dir, name, O_RDONLY | O_DIRECTORY);
    if (*fd >= 0)
        return true;
    if (errno != ENOENT || !create)
        return spool_failure(err, N_("spool: cannot open %s"), spool->path, name);
    if (!directory_make(spool->dir, name, DIRECTORY_MODE) && errno != EEXIST)
        return spool_failure(err, N_("spool: cannot make %s"), spool->path, name);
    *made = true;
    *fd = spool_open_at(spool->dir, name, O_RDONLY | O_DIRECTORY);
    return *fd >= 0 || spool_failure(err, N_("spool: cannot open %s"), spool->path, name);
}

/* Where `format` is THERE the spool is ours, and a directory that was removed is made again.
 */
static bool open_directories(struct spool *spool, bool create, bool there, struct error *err)
{
    bool made = false;
    for (int i = 0; i < SPOOL_DIRECTORIES; i++)
        if (!open_one(spool, (enum spool_directory)i, create || there, &made, err))
            return false;
    return !made || !there || sync_directory(spool->dir, err, spool->path);
}

/* Makes `format`, after everything else that had to be made is on disk. */
static bool finish_making(struct spool *spool, struct error *err)
{
    if (!sync_above(spool->path, err) || !sync_directory(spool->dir, err, spool->path))
        return false;
    int fd = spoolfile_open(spool->dir, format_name);
    if (fd < 0)
        return spool_failure(err, N_("spool: cannot make %s"), spool->path, format_name);
    bool ok =
        spoolfile_write(fd, format_text, sizeof format_text - 1, err) && spoolfile_flush(fd, err);
    spoolfile_close(fd);
    return ok && sync_directory(spool->dir, err, spool->path);
}

/* Reads `format`. *THERE is false if there is none, or one that was not finished. */
static bool check_format(const struct spool *spool, bool *there, struct error *err)
{
    char text[sizeof format_text] = "";
    *there = false;
    int fd = spool_open_at(spool->dir, format_name, O_RDONLY);
    if (fd < 0)
        return errno == ENOENT ||
               spool_failure(err, N_("spool: cannot open %s"), spool->path, format_name);
    ssize_t got = spoolfile_read(fd, 0, text, sizeof text - 1, err);
    spoolfile_close(fd);
    if (got < 0)
        return false;
    *there = strcmp(text, format_text) == 0;
    if (*there || memcmp(text, format_text, (size_t)got) == 0)
        return true;
    return error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL,
                     "spool: %s is no spool of this version of onehop: see %s/%s", spool->path,
                     spool->path, format_name);
}

bool spool_open(struct spool *spool, const char *path, bool create, struct error *err)
{
    *spool = (struct spool){.path = memory_copy(path), .dir = -1};
    size_t len = strlen(path);
    while (len > 1 && spool->path[len - 1] == '/')
        spool->path[--len] = '\0';
    for (int i = 0; i < SPOOL_DIRECTORIES; i++)
        spool->directory[i] = -1;
    bool there = false;
    bool ok = open_directory(spool, create, err) && check_format(spool, &there, err);
    /* The process that made it may have died before the name of `format` was on disk, and others,
     * who saw it, may have put mail here before the power went. So where the rest is, `format` is
     * made again. */
    if (ok && open_directories(spool, create, there, err) && (there || finish_making(spool, err)))
        return true;
    int number = errno;
    spool_close(spool);
    errno = number;
    return false;
}

void spool_close(struct spool *spool)
{
    if (!spool->path)
        return;
    for (int i = 0; i < SPOOL_DIRECTORIES; i++)
        spoolfile_close(spool->directory[i]);
    spoolfile_close(spool->dir);
    free(spool->path);
    *spool = (struct spool){0};
}

bool spool_new_id(struct spool *spool, char id[ENTRYID_SIZE], struct error *err)
{
    uint64_t random;
    if (getrandom(&random, sizeof random, 0) != sizeof random)
        return error_system(err, EX_TEMPFAIL, "spool: no random numbers");
    int64_t moment = clock_wall_microseconds();
    if (moment <= spool->last_id && spool->last_id - moment < 1000000)
        moment = spool->last_id + 1;
    spool->last_id = moment;
    entryid_make(id, moment, random);
    return true;
}

bool spool_has(const struct spool *spool, const char *id)
{
    struct spoolfile file;
    return spoolfile_facts(spool, SPOOL_QUEUE, id, &file) == SPOOL_FOUND ||
           spoolfile_facts(spool, SPOOL_HOLD, id, &file) == SPOOL_FOUND ||
           spoolfile_facts(spool, SPOOL_FAILED, id, &file) == SPOOL_FOUND;
}

const char *spool_directory_name(enum spool_directory directory)
{
    return directory_names[directory];
}

/* Directories. */

void spool_mark(struct spool *spool, enum spool_directory directory)
{
    spool->dirty[directory] = true;
    if (spool->dirty_since == 0)
        spool->dirty_since = clock_now();
}

bool spool_sync_directory(struct spool *spool, enum spool_directory directory, struct error *err)
{
    spool->dirty[directory] =
        false; /* even if it fails: a second fsync would only seem to succeed */
    return sync_directory(spool->directory[directory], err, directory_names[directory]);
}

bool spool_sync(struct spool *spool, struct error *err)
{
    bool ok = true;
    spool->dirty_since = 0;
    for (int i = 0; i < SPOOL_DIRECTORIES; i++)
        if (spool->dirty[i])
            ok = spool_sync_directory(spool, (enum spool_directory)i,
                                      ok ? err : &(struct error){0}) &&
                 ok;
    return ok;
}

bool spool_sync_when_due(struct spool *spool, int64_t now, struct error *err)
{
    if (spool->dirty_since == 0 || now - spool->dirty_since < SPOOL_SYNC_INTERVAL)
        return true;
    return spool_sync(spool, err);
}

bool spool_each(const struct spool *spool, enum spool_directory directory,
                bool (*each)(void *context, const char *name), void *context, struct error *err)
{
    int fd = spool_open_at(spool->directory[directory], ".", O_RDONLY | O_DIRECTORY);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        spool_failure(err, N_("spool: cannot read %s"), spool->path, directory_names[directory]);
        spoolfile_close(fd);
        return false;
    }
    struct dirent *item = NULL;
    bool more = true;
    while (more && (errno = 0, item = readdir(dir)))
        if (item->d_name[0] != '.')
            more = each(context, item->d_name);
    bool ok =
        !more || errno == 0 ||
        spool_failure(err, N_("spool: cannot read %s"), spool->path, directory_names[directory]);
    (void)closedir(dir); /* only read */
    return ok;
}

/* The stamp. */

bool spool_read_stamp(const struct spool *spool, struct str *out, struct error *err)
{
    char text[SPOOL_STAMP_MAX];
    int fd = spool_open_at(spool->dir, stamp_name, O_RDONLY);
    if (fd < 0)
        return errno == ENOENT ||
               spool_failure(err, N_("spool: cannot open %s"), spool->path, stamp_name);
    ssize_t got = spoolfile_read(fd, 0, text, sizeof text, err);
    spoolfile_close(fd);
    str_add_n(out, text, got > 0 ? (size_t)got : 0);
    return got >= 0;
}

bool spool_write_stamp(struct spool *spool, const struct str *text, struct error *err)
{
    int fd = spoolfile_open(spool->dir, stamp_name);
    if (fd < 0)
        return spool_failure(err, N_("spool: cannot write %s"), spool->path, stamp_name);
    bool ok = spoolfile_overwrite(fd, text, err);
    spoolfile_close(fd);
    return ok;
}
