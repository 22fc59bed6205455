#include "config.h"
#include "base/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/filewrite.h"
#include "base/str.h"

int directory_open(const char *path)
{
    int fd;
    do
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    while (fd < 0 && errno == EINTR);
    return fd;
}

bool directory_make(int at, const char *path, mode_t mode)
{
    mode_t before = umask(0);
    bool ok = mkdirat(at, path, mode) == 0;
    int number = errno;
    (void)umask(before);
    errno = number;
    return ok;
}

/* Appends what is above PATH: "/", or "." where it names no directory. */
static void add_parent(struct str *out, const char *path)
{
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    while (len > 0 && path[len - 1] != '/')
        len--;
    while (len > 1 && path[len - 1] == '/')
        len--;
    str_add_n(out, len ? path : ".", len ? len : 1);
}

bool directory_sync_parent(const char *path)
{
    struct str parent = {0};
    add_parent(&parent, path);
    int fd = directory_open(parent.data);
    bool ok = fd >= 0 && filewrite_sync_directory(fd);
    int number = errno;
    if (fd >= 0)
        (void)close(fd); /* only read */
    str_clear(&parent);
    errno = number;
    return ok;
}

bool directory_make_path(const char *path)
{
    bool ok = directory_make(AT_FDCWD, path, 0700);
    if (!ok && errno == ENOENT) {
        struct str above = {0};
        add_parent(&above, path);
        ok = strcmp(above.data, path) != 0 && strcmp(above.data, ".") != 0 &&
             directory_make_path(above.data) && directory_make(AT_FDCWD, path, 0700);
        int number = errno;
        str_clear(&above);
        errno = number;
    }
    return ok ? directory_sync_parent(path) : errno == EEXIST;
}
