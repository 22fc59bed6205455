#include "config.h"
#include "queue/spoolfile.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/filewrite.h"
#include "base/renameat2.h"
#include "base/translation.h"

enum { FILE_MODE = 0600, LOAD_BLOCK = 16 * 1024, LOCK_STEP = 2 /* milliseconds */ };

static bool is_taken(const char *id, struct error *err)
{
    return error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL,
                     "spool: another process has tmp/%s", id);
}

/* The mode that every file of the spool has, whatever the umask was. */
static bool set_mode(int fd, const struct stat *facts)
{
    return (facts->st_mode & 07777) == FILE_MODE || fchmod(fd, FILE_MODE) == 0;
}

/* Locks the file that was just made. Another process may have taken it for a leftover between the
 * two steps: then that process removes it, and the name must not be used again before. */
static bool lock_new(int fd, const char *id, bool *taken, struct error *err)
{
    struct stat facts;
    *taken = flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (*taken)
        return is_taken(id, err);
    if (fstat(fd, &facts) != 0 || !set_mode(fd, &facts))
        return spool_failure(err, N_("spool: cannot prepare %s"), "tmp", id);
    *taken = facts.st_nlink == 0;
    return !*taken || is_taken(id, err);
}

bool spoolfile_create(const struct spool *spool, const char *id, int *fd, bool *taken,
                      struct error *err)
{
    struct spoolfile leftover;
    *taken = false;
    *fd = spool_open_at(spool->directory[SPOOL_TMP], id, O_RDWR | O_CREAT | O_EXCL);
    if (*fd < 0 && errno == EEXIST) {
        enum spool_found found = spoolfile_take(spool, SPOOL_TMP, id, &leftover, err);
        *taken = found == SPOOL_BUSY;
        if (*taken)
            return is_taken(id, err);
        if (found != SPOOL_FOUND && found != SPOOL_GONE)
            return false;
        if (found == SPOOL_FOUND) {
            spoolfile_discard(spool, SPOOL_TMP, id);
            spoolfile_close(leftover.fd);
        }
        *fd = spool_open_at(spool->directory[SPOOL_TMP], id, O_RDWR | O_CREAT | O_EXCL);
    }
    if (*fd < 0)
        return spool_failure(err, N_("spool: cannot create %s"), "tmp", id);
    if (lock_new(*fd, id, taken, err))
        return true;
    if (!*taken)
        spoolfile_discard(spool, SPOOL_TMP, id);
    spoolfile_close(*fd);
    return false;
}

static enum spool_found judge(const struct stat *facts, struct spoolfile *file)
{
    file->size = (uint64_t)facts->st_size;
    file->mtime = (int64_t)facts->st_mtime;
    file->planned = facts->st_mtime > facts->st_ctime;
    file->other_names = facts->st_nlink > 1;
    return S_ISREG(facts->st_mode) ? SPOOL_FOUND : SPOOL_FOREIGN;
}

static bool is_foreign(int number)
{
    return number == ELOOP || number == ENXIO || number == EACCES || number == EPERM ||
           number == EISDIR || number == ENAMETOOLONG || number == ENODEV;
}

static enum spool_found open_file(int dir, const char *name, struct spoolfile *file)
{
    *file = (struct spoolfile){.fd = spool_open_at(dir, name, O_RDONLY)};
    if (file->fd >= 0)
        return SPOOL_FOUND;
    if (errno == ENOENT)
        return SPOOL_GONE;
    return is_foreign(errno) ? SPOOL_FOREIGN : SPOOL_UNREADABLE;
}

/* The name may have been given to another file before the lock was ours. */
static enum spool_found lock_file(int dir, const char *name, struct spoolfile *file)
{
    struct stat here, there;
    if (flock(file->fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? SPOOL_BUSY : SPOOL_UNREADABLE;
    if (fstat(file->fd, &here) != 0)
        return SPOOL_UNREADABLE;
    if (judge(&here, file) == SPOOL_FOREIGN)
        return SPOOL_FOREIGN;
    if (fstatat(dir, name, &there, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? SPOOL_GONE : SPOOL_UNREADABLE;
    return here.st_ino == there.st_ino && here.st_dev == there.st_dev ? SPOOL_FOUND : SPOOL_GONE;
}

/* Fills the error and closes what was opened, unless the file was FOUND. */
static enum spool_found finish(enum spool_found found, enum spool_directory directory,
                               const char *name, struct spoolfile *file, struct error *err)
{
    const char *where = spool_directory_name(directory);
    if (found == SPOOL_FOUND)
        return found;
    if (file->fd < 0 && found != SPOOL_GONE)
        spool_failure(err, N_("spool: cannot open %s"), where, name);
    else if (found == SPOOL_UNREADABLE)
        spool_failure(err, N_("spool: cannot look at %s"), where, name);
    else if (found == SPOOL_FOREIGN)
        error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL,
                  "spool: %s/%s is not a regular file", where, name);
    spoolfile_close(file->fd);
    file->fd = -1;
    return found;
}

enum spool_found spoolfile_find(const struct spool *spool, enum spool_directory directory,
                                const char *name, struct spoolfile *file, struct error *err)
{
    struct stat here;
    enum spool_found found = open_file(spool->directory[directory], name, file);
    if (found == SPOOL_FOUND)
        found = fstat(file->fd, &here) == 0 ? judge(&here, file) : SPOOL_UNREADABLE;
    return finish(found, directory, name, file, err);
}

enum spool_found spoolfile_take(const struct spool *spool, enum spool_directory directory,
                                const char *name, struct spoolfile *file, struct error *err)
{
    int dir = spool->directory[directory];
    enum spool_found found = open_file(dir, name, file);
    if (found == SPOOL_FOUND)
        found = lock_file(dir, name, file);
    return finish(found, directory, name, file, err);
}

bool spoolfile_is_locked(int fd)
{
    return flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

enum spool_found spoolfile_facts(const struct spool *spool, enum spool_directory directory,
                                 const char *name, struct spoolfile *file)
{
    struct stat facts;
    if (fstatat(spool->directory[directory], name, &facts, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? SPOOL_GONE : SPOOL_FOREIGN;
    return judge(&facts, file);
}

/* Descriptors. */

bool spoolfile_write(int fd, const void *data, size_t len, struct error *err)
{
    if (filewrite_all(fd, data, len))
        return true;
    error_system(err, EX_TEMPFAIL, "spool: cannot write");
    spool_set_status(err);
    return false;
}

bool spoolfile_write_at(int fd, uint64_t offset, const void *data, size_t len, struct error *err)
{
    return pwrite(fd, data, len, (off_t)offset) == (ssize_t)len ||
           error_system(err, EX_TEMPFAIL, "spool: cannot write");
}

ssize_t spoolfile_read(int fd, uint64_t offset, void *data, size_t len, struct error *err)
{
    size_t got = 0;
    while (got < len) {
        ssize_t n = pread(fd, (char *)data + got, len - got, (off_t)(offset + got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            error_system(err, EX_TEMPFAIL, "spool: cannot read");
            return -1;
        }
        if (n == 0)
            break;
        got += (size_t)n;
    }
    return (ssize_t)got;
}

bool spoolfile_flush(int fd, struct error *err)
{
    if (fsync(fd) == 0)
        return true;
    error_system(err, EX_TEMPFAIL, "spool: cannot sync a file");
    spool_set_status(err);
    return false;
}

bool spoolfile_set_time(int fd, int64_t seconds, struct error *err)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = (time_t)seconds}};
    return futimens(fd, times) == 0 ||
           error_system(err, EX_TEMPFAIL, "spool: cannot set the time of a file");
}

void spoolfile_close(int fd)
{
    if (fd >= 0)
        (void)close(fd); /* nothing depends on it: what must be on disk was synced */
}

/* Names. */

static bool same_file(const struct spool *spool, enum spool_directory a, enum spool_directory b,
                      const char *name)
{
    struct stat here, there;
    return fstatat(spool->directory[a], name, &here, AT_SYMLINK_NOFOLLOW) == 0 &&
           fstatat(spool->directory[b], name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
           here.st_ino == there.st_ino && here.st_dev == there.st_dev;
}

bool spoolfile_move(struct spool *spool, enum spool_directory from, enum spool_directory to,
                    const char *id, struct error *err)
{
    int source = spool->directory[from], target = spool->directory[to];
    if (from == to)
        return true;
    int done = renameat2(source, id, target, id, RENAME_NOREPLACE);
    if (done != 0 && (errno == EINVAL || errno == ENOSYS)) {
        /* This file system cannot promise not to replace. Two steps then: see the table. */
        done = linkat(source, id, target, id, 0);
        if (done == 0)
            done = unlinkat(source, id, 0);
    }
    if (done != 0 && errno == EEXIST) {
        if (same_file(spool, from, to, id))
            done = unlinkat(source, id, 0); /* a process was killed between the two steps */
        else
            errno = EEXIST;
    }
    if (done != 0)
        return spool_failure(err, N_("spool: cannot move a file to %s"), spool_directory_name(to),
                             id);
    spool_mark(spool, to);
    if (from != SPOOL_TMP) /* the rest of a temporary file does no harm */
        spool_mark(spool, from);
    return true;
}

bool spoolfile_remove(struct spool *spool, enum spool_directory directory, const char *name,
                      struct error *err)
{
    if (unlinkat(spool->directory[directory], name, 0) == 0)
        spool_mark(spool, directory);
    else if (errno != ENOENT)
        return spool_failure(err, N_("spool: cannot remove %s"), spool_directory_name(directory),
                             name);
    return true;
}

void spoolfile_discard(const struct spool *spool, enum spool_directory directory, const char *name)
{
    (void)unlinkat(spool->directory[directory], name, 0); /* what stays is a leftover: recovery.h */
}

void spoolfile_take_back(const struct spool *spool, enum spool_directory directory, const char *id,
                         int fd)
{
    /* Cut first: if the removal fails, or a power cut undoes it, what is there is no entry. It
     * cannot be reported if both fail. */
    if (ftruncate(fd, 0) == 0)
        (void)fsync(fd);
    spoolfile_discard(spool, directory, id);
}

/* Whole files. */

int spoolfile_open(int dir, const char *name)
{
    struct stat facts;
    int fd = spool_open_at(dir, name, O_RDWR | O_CREAT);
    if (fd < 0 || (fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode) && set_mode(fd, &facts)))
        return fd;
    int number = errno;
    spoolfile_close(fd);
    errno = number;
    return -1;
}

bool spoolfile_put(struct spool *spool, enum spool_directory directory, const char *name,
                   const struct spoolfile_patch *patch, struct error *err)
{
    int fd = spoolfile_open(spool->directory[directory], name);
    bool ok = fd >= 0 && lseek(fd, (off_t)patch->offset, SEEK_SET) == (off_t)patch->offset;
    if (!ok)
        spool_failure(err, N_("spool: cannot write to %s"), spool_directory_name(directory), name);
    ok = ok && spoolfile_write(fd, str_text(patch->data), patch->data->len, err) &&
         (!patch->durable || spoolfile_flush(fd, err));
    int number = errno;
    spoolfile_close(fd);
    errno = number;
    return ok && (!patch->durable || spool_sync_directory(spool, directory, err));
}

bool spoolfile_load(const struct spool *spool, enum spool_directory directory, const char *name,
                    struct str *out, struct error *err)
{
    struct spoolfile file;
    size_t start = out->len;
    ssize_t got;
    enum spool_found found = spoolfile_find(spool, directory, name, &file, err);
    if (found != SPOOL_FOUND)
        return found == SPOOL_GONE;
    do {
        str_reserve(out, LOAD_BLOCK);
        got = spoolfile_read(file.fd, out->len - start, out->data + out->len, LOAD_BLOCK, err);
        out->len += got > 0 ? (size_t)got : 0;
        out->data[out->len] = '\0';
    } while (got == LOAD_BLOCK && out->len - start < SPOOLFILE_LOAD_MAX);
    spoolfile_close(file.fd);
    return got >= 0;
}

bool spoolfile_replace(struct spool *spool, enum spool_directory directory, const char *id,
                       const struct str *data, struct error *err)
{
    int fd;
    bool taken;
    if (!spoolfile_create(spool, id, &fd, &taken, err))
        return false;
    bool ok =
        spoolfile_write(fd, str_text(data), data->len, err) && spoolfile_flush(fd, err) &&
        (renameat(spool->directory[SPOOL_TMP], id, spool->directory[directory], id) == 0 ||
         spool_failure(err, N_("spool: cannot replace %s"), spool_directory_name(directory), id));
    if (!ok)
        spoolfile_discard(spool, SPOOL_TMP, id);
    spoolfile_close(fd);
    return ok && spool_sync_directory(spool, directory, err);
}

bool spoolfile_share(const struct spool *spool, const char *name, int *fd, bool *locked,
                     struct error *err)
{
    *fd = spoolfile_open(spool->directory[SPOOL_ACCOUNT], name);
    if (*fd < 0)
        return spool_failure(err, N_("spool: cannot share %s"), spool_directory_name(SPOOL_ACCOUNT),
                             name);
    *locked = flock(*fd, LOCK_EX | LOCK_NB) == 0;
    return true;
}

bool spoolfile_lock(int fd, int span)
{
    for (int waited = 0;; waited += LOCK_STEP) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return true;
        if (waited >= span)
            return false;
        (void)poll(NULL, 0, LOCK_STEP);
    }
}

bool spoolfile_overwrite(int fd, const struct str *data, struct error *err)
{
    if (lseek(fd, 0, SEEK_SET) != 0)
        return error_system(err, EX_TEMPFAIL, "spool: cannot write");
    return spoolfile_write(fd, str_text(data), data->len, err) &&
           (ftruncate(fd, (off_t)data->len) == 0 ||
            error_system(err, EX_TEMPFAIL, "spool: cannot write"));
}
