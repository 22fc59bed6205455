#include "config.h"
#include "faults.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

struct faults *faults(void)
{
    static struct faults the_only;
    return &the_only;
}

static void note(const char *name)
{
    struct faults *f = faults();
    size_t used = strlen(f->trace);
    (void)snprintf(f->trace + used, sizeof f->trace - used, "%s ", name);
}

/* True if the call is to fail. */
static bool strike(const char *name, bool changes)
{
    struct faults *f = faults();
    f->count++;
    if (changes)
        note(name);
    bool now = f->count == f->at;
    if (now && (f->kind == FAULT_KILL || f->kind == FAULT_TEAR))
        (void)kill(getpid(), SIGKILL);
    if (f->kind == FAULT_FULL && f->count >= f->at && f->grows) {
        errno = f->number;
        return true;
    }
    bool fails = (now && (f->kind == FAULT_FAIL || f->kind == FAULT_FAIL_HALF)) ||
                 (f->kind == FAULT_FROM_NOW && f->count >= f->at && changes);
    if (fails)
        errno = f->number;
    return fails;
}

static bool strike_growth(const char *name, bool grows)
{
    faults()->grows = grows;
    bool fails = strike(name, true);
    faults()->grows = false;
    return fails;
}

#define WRAP(changes, type, name, parameters, arguments)                                           \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        return strike(#name, changes) ? (type)-1 : __real_##name arguments;                        \
    }

WRAP(true, int, mkdir, (const char *path, mode_t mode), (path, mode))
WRAP(true, int, chmod, (const char *path, mode_t mode), (path, mode))
WRAP(true, int, fchmod, (int fd, mode_t mode), (fd, mode))
WRAP(true, int, fchmodat, (int dir, const char *path, mode_t mode, int flags),
     (dir, path, mode, flags))
WRAP(false, int, flock, (int fd, int how), (fd, how))
WRAP(false, int, fstat, (int fd, struct stat *facts), (fd, facts))
WRAP(false, int, fstatat, (int dir, const char *path, struct stat *facts, int flags),
     (dir, path, facts, flags))
WRAP(false, ssize_t, pread, (int fd, void *data, size_t len, off_t at), (fd, data, len, at))
WRAP(true, int, ftruncate, (int fd, off_t size), (fd, size))
WRAP(true, int, renameat, (int a, const char *x, int b, const char *y), (a, x, b, y))
WRAP(true, int, renameat2, (int a, const char *x, int b, const char *y, unsigned flags),
     (a, x, b, y, flags))
WRAP(true, int, linkat, (int a, const char *x, int b, const char *y, int flags),
     (a, x, b, y, flags))
WRAP(true, int, unlinkat, (int dir, const char *path, int flags), (dir, path, flags))
WRAP(true, int, futimens, (int fd, const struct timespec times[2]), (fd, times))

int __real_mkdirat(int dir, const char *path, mode_t mode);
int __wrap_mkdirat(int dir, const char *path, mode_t mode);
int __wrap_mkdirat(int dir, const char *path, mode_t mode)
{
    return strike_growth("mkdirat", true) ? -1 : __real_mkdirat(dir, path, mode);
}

int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd)
{
    if (!strike("close", false))
        return __real_close(fd);
    int number = errno;
    (void)__real_close(fd); /* as Linux does: closed, and then it complains */
    errno = number;
    return -1;
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    struct stat facts;
    bool directory = __real_fstat(fd, &facts) == 0 && S_ISDIR(facts.st_mode);
    return strike(directory ? "fsync-dir" : "fsync", true) ? -1 : __real_fsync(fd);
}

ssize_t __real_write(int fd, const void *data, size_t len);
ssize_t __wrap_write(int fd, const void *data, size_t len);
ssize_t __wrap_write(int fd, const void *data, size_t len)
{
    struct faults *f = faults();
    if (f->count + 1 == f->at && len > 1) {
        if (f->kind == FAULT_TEAR)
            (void)!__real_write(fd, data, len / 2);
        if (f->kind == FAULT_FAIL_HALF) {
            f->kind = FAULT_FAIL;
            f->at = f->count + 2;
            f->count++;
            note("write");
            return __real_write(fd, data, len / 2);
        }
    }
    if (f->kind != FAULT_FULL)
        return strike("write", true) ? -1 : __real_write(fd, data, len);
    struct stat facts;
    off_t at = lseek(fd, 0, SEEK_CUR);
    off_t room = __real_fstat(fd, &facts) == 0 && facts.st_size > at ? facts.st_size - at : 0;
    bool fails = strike_growth("write", (size_t)room < len);
    if (!fails)
        return __real_write(fd, data, len);
    return room > 0 ? __real_write(fd, data, (size_t)room) : -1;
}

static mode_t mode_of(int flags, va_list args)
{
    return flags & O_CREAT ? va_arg(args, mode_t) : 0;
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    return strike("open", false) ? -1 : __real_open(path, flags, mode);
}

int __real_openat(int dir, const char *path, int flags, ...);
int __wrap_openat(int dir, const char *path, int flags, ...);
int __wrap_openat(int dir, const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    bool creates = flags & O_CREAT;
    struct stat facts;
    bool fails = creates ? strike_growth("create", __real_fstatat(dir, path, &facts, 0) != 0)
                         : strike("openat", false);
    return fails ? -1 : __real_openat(dir, path, flags, mode);
}

struct dirent *__real_readdir(DIR *dir);
struct dirent *__wrap_readdir(DIR *dir);
struct dirent *__wrap_readdir(DIR *dir)
{
    return strike("readdir", false) ? NULL : __real_readdir(dir);
}
