#include "config.h"
#include "base/fileread.h"

#include <errno.h>
#include <fcntl.h>
#include <sysexits.h>
#include <unistd.h>

bool fileread_is_missing(int number)
{
    return number == ENOENT || number == ENOTDIR;
}

bool fileread_is_about_file(int number)
{
    return fileread_is_missing(number) || number == EACCES || number == EPERM || number == ELOOP ||
           number == ENAMETOOLONG || number == EISDIR || number == ENXIO;
}

static bool fail(const char *path, struct error *err)
{
    if (fileread_is_about_file(errno))
        return error_config(err, "%s: %m", path);
    return error_system(err, EX_TEMPFAIL, "%s", path);
}

static bool cannot_open(const char *path, struct error *err)
{
    int number = errno;
    struct stat facts;
    if (number == EACCES && stat(path, &facts) == 0)
        error_config(err, "%s: permission denied for uid %ld (file is owned by uid %ld, mode %04o)",
                     path, (long)geteuid(), (long)facts.st_uid, (unsigned)facts.st_mode & 07777);
    else if (number == EACCES)
        error_config(err, "%s: permission denied for uid %ld (a directory above it is closed)",
                     path, (long)geteuid());
    else
        (void)fail(path, err);
    errno = number;
    return false;
}

/* A regular file of SIZE octets is one read; /proc says 0, and a file may grow meanwhile. False:
 * errno, EFBIG for more than LIMIT. */
static bool read_all(int fd, size_t size, size_t limit, struct str *out)
{
    enum { STEP = 4096 };
    size_t start = out->len;
    for (;;) {
        size_t done = out->len - start, room = size > done ? size - done + 1 : STEP;
        errno = EFBIG;
        if (done > limit || size > limit)
            return false;
        str_reserve(out, room);
        ssize_t n = read(fd, out->data + out->len, room);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        out->len += (size_t)n;
        out->data[out->len] = '\0';
        if (n == 0 || out->len - start == size)
            return true;
    }
}

bool fileread_all(const char *path, size_t limit, struct str *out, struct stat *facts,
                  struct error *err)
{
    struct stat here;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return cannot_open(path, err);
    bool ok = false;
    if (fstat(fd, &here) != 0)
        (void)fail(path, err);
    else if (!S_ISREG(here.st_mode))
        error_config(err, "%s: not a regular file", path);
    else if (read_all(fd, (size_t)here.st_size, limit, out))
        ok = true;
    else if (errno == EFBIG)
        (void)error_config(err, "%s: larger than %zu bytes", path, limit);
    else
        (void)fail(path, err);
    if (facts)
        *facts = here;
    (void)close(fd); /* nothing was written */
    return ok;
}
