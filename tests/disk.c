/* The disk of the test program. With ONEHOP_TEST_DISK="KIND:N:FILE" it is broken from the Nth call
 * on that changes something below a user's spool, or a unit test's, in each process that inherits
 * the count:
 *
 *     ro      nothing can be changed (EROFS)
 *     full    no new names, no file grows (ENOSPC); what is there can be written over and removed
 *
 * FILE is made when the first call fails. The linker puts these in the place of the library's. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct disk {
    char kind[8];
    long from;
    char file[256];
};

static bool read_disk(struct disk *disk)
{
    const char *text = getenv("ONEHOP_TEST_DISK");
    return text && sscanf(text, "%7[a-z]:%ld:%255s", disk->kind, &disk->from, disk->file) == 3;
}

static bool is_of_spool(int fd)
{
    static const char user_spool[] = "/.local/state/onehop";
    char name[64], path[4096];
    (void)snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(name, path, sizeof path - 1);
    path[n > 0 ? n : 0] = '\0';
    const char *spool = strstr(path, user_spool);
    const char *end = spool ? spool + sizeof user_spool - 1 : "?";
    return *end == '\0' || *end == '/' || strstr(path, "/onehop-spool-");
}

/* True if the call on FD, which needs space if GROWS, fails. */
static bool fails(int fd, bool grows)
{
    static long count;
    struct disk disk;
    if (!read_disk(&disk) || !is_of_spool(fd) || ++count < disk.from)
        return false;
    bool read_only = strcmp(disk.kind, "ro") == 0;
    if (!read_only && !grows)
        return false;
    int hit = open(disk.file, O_WRONLY | O_CREAT, 0600);
    if (hit >= 0)
        (void)close(hit);
    errno = read_only ? EROFS : ENOSPC;
    return true;
}

static bool is_missing(int dir, const char *path)
{
    struct stat facts;
    return fstatat(dir, path, &facts, AT_SYMLINK_NOFOLLOW) != 0;
}

#define WRAP(name, parameters, arguments, fd, grows)                                               \
    int __real_##name parameters;                                                                  \
    int __wrap_##name parameters;                                                                  \
    int __wrap_##name parameters                                                                   \
    {                                                                                              \
        return fails(fd, grows) ? -1 : __real_##name arguments;                                    \
    }

WRAP(mkdirat, (int dir, const char *path, mode_t mode), (dir, path, mode), dir, true)
WRAP(ftruncate, (int fd, off_t size), (fd, size), fd, false)
WRAP(futimens, (int fd, const struct timespec times[2]), (fd, times), fd, false)
WRAP(unlinkat, (int dir, const char *path, int flags), (dir, path, flags), dir, false)
WRAP(renameat, (int a, const char *x, int b, const char *y), (a, x, b, y), b, false)
WRAP(renameat2, (int a, const char *x, int b, const char *y, unsigned flags), (a, x, b, y, flags),
     b, false)
WRAP(fchmod, (int fd, mode_t mode), (fd, mode), fd, false)

ssize_t __real_write(int fd, const void *data, size_t len);
ssize_t __wrap_write(int fd, const void *data, size_t len);
ssize_t __wrap_write(int fd, const void *data, size_t len)
{
    struct stat facts;
    if (!getenv("ONEHOP_TEST_DISK") || fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode))
        return __real_write(fd, data, len);
    off_t at = lseek(fd, 0, SEEK_CUR);
    off_t room = facts.st_size > at ? facts.st_size - at : 0;
    if (!fails(fd, (size_t)room < len))
        return __real_write(fd, data, len);
    return errno == ENOSPC && room > 0 ? __real_write(fd, data, (size_t)room) : -1;
}

int __real_openat(int dir, const char *path, int flags, ...);
int __wrap_openat(int dir, const char *path, int flags, ...);
int __wrap_openat(int dir, const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
    va_end(args);
    bool writes = (flags & O_ACCMODE) != O_RDONLY;
    if (writes && fails(dir, (flags & O_CREAT) && is_missing(dir, path)))
        return -1;
    return __real_openat(dir, path, flags, mode);
}
