#include "config.h"
#include "ctl/setup_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/filewrite.h"
#include "base/memory.h"

static bool give(int fd, const struct setup_owner *owner)
{
    return (owner->uid == (uid_t)-1 || fchown(fd, owner->uid, owner->gid) == 0) &&
           fchmod(fd, owner->mode) == 0;
}

bool setup_file_write(const char *path, const struct str *text, const struct setup_owner *owner,
                      struct error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_system(err, EX_CANTCREAT, "cannot write %s", path);
    bool ok = filewrite_all(fd, text->data, text->len) && give(fd, owner) && fsync(fd) == 0;
    ok = close(fd) == 0 && ok;
    if (ok)
        return true;
    error_system(err, EX_CANTCREAT, "cannot write %s", path);
    (void)unlink(path); /* nothing more can be done about it */
    return false;
}

bool setup_file_move(const char *path, const char *target, struct error *err)
{
    char *copy = memory_copy(target);
    int fd = directory_open(dirname(copy));
    bool ok = fd >= 0 && rename(path, target) == 0 && filewrite_sync_directory(fd);
    if (!ok)
        error_system(err, EX_CANTCREAT, "cannot write %s", target);
    if (fd >= 0)
        (void)close(fd); /* a directory that was read */
    free(copy);
    return ok;
}

bool setup_file_directory(const char *path, const struct setup_owner *owner, struct error *err)
{
    if (mkdir(path, owner->mode & 0700) == 0) {
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        bool ok = fd >= 0 && give(fd, owner);
        if (fd >= 0)
            (void)close(fd); /* a directory that was read */
        return ok || error_system(err, EX_CANTCREAT, "cannot make %s", path);
    }
    int reason = errno;
    if (reason == EEXIST)
        return true;
    const struct setup_owner above = {(uid_t)-1, (gid_t)-1, owner->mode == 0700 ? 0700 : 0755};
    char *copy = memory_copy(path);
    bool ok = reason == ENOENT && strcmp(dirname(copy), path) != 0 &&
              setup_file_directory(copy, &above, err) && setup_file_directory(path, owner, err);
    free(copy);
    return ok || error_system(err, EX_CANTCREAT, "cannot make %s", path);
}
