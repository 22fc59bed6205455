#include "config.h"
#include "token/tokenstore.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/directory.h"
#include "base/filewrite.h"

enum {
    ROOM = 64 * 1024, /* octets: the longest tokens that were seen have a tenth of that */
    PAUSE = 20,       /* milliseconds between two looks at a lock */
};

static bool trouble(const struct tokenstore *store, const char *what, struct error *err)
{
    return error_system(err, EX_TEMPFAIL, "cannot %s %s", what, str_text(&store->path));
}

static bool check_directory(const struct tokenstore *store, struct error *err)
{
    struct stat facts;
    if (fstat(store->directory, &facts) != 0)
        return trouble(store, "look at the directory of", err);
    if (facts.st_uid == geteuid() && (facts.st_mode & (S_IWGRP | S_IWOTH)) == 0)
        return true;
    return error_config(err,
                        "%s: its directory belongs to uid %ld with mode %04o: it must be writable "
                        "for uid %ld and nobody else",
                        str_text(&store->path), (long)facts.st_uid, (unsigned)facts.st_mode & 07777,
                        (long)geteuid());
}

bool tokenstore_open(struct tokenstore *store, const char *path, struct error *err)
{
    struct str directory = {0};
    const char *slash = strrchr(path, '/');
    *store = (struct tokenstore){.directory = -1, .lock = -1, .file = -1};
    str_add(&store->path, path);
    str_add(&store->name, slash ? slash + 1 : path);
    str_addf(&store->temporary, ".%s.new", str_text(&store->name));
    str_add_n(&directory, path, slash ? (size_t)(slash - path) : 0);
    store->directory = directory_open(str_text(&directory));
    if (store->directory < 0 && errno == ENOENT && directory_make_path(str_text(&directory)))
        store->directory = directory_open(str_text(&directory));
    bool ok = store->directory >= 0 ? check_directory(store, err)
                                    : trouble(store, "make the directory of", err);
    str_clear(&directory);
    return ok;
}

static int open_own(const struct tokenstore *store, const char *name, int flags)
{
    int fd = openat(store->directory, name, flags | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd >= 0 && fchmod(fd, 0600) != 0) { /* the umask may be anything */
        (void)close(fd);                    /* nothing was written */
        fd = -1;
    }
    return fd;
}

bool tokenstore_lock(struct tokenstore *store, int64_t deadline, struct error *err)
{
    struct str name = {0};
    str_addf(&name, "%s.lock", str_text(&store->name));
    store->lock = open_own(store, str_text(&name), O_RDWR);
    str_clear(&name);
    if (store->lock < 0)
        return trouble(store, "lock", err);
    while (flock(store->lock, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return trouble(store, "lock", err);
        if (clock_poll_timeout(deadline) == 0)
            return error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL,
                             "%s: another process renews it, and does not end",
                             str_text(&store->path));
        (void)poll(NULL, 0, PAUSE);
    }
    return true;
}

bool tokenstore_reserve(struct tokenstore *store, struct error *err)
{
    const char *name = str_text(&store->temporary);
    if (unlinkat(store->directory, name, 0) != 0 && errno != ENOENT) /* a killed process's */
        return trouble(store, "make room for", err);
    store->file = open_own(store, name, O_WRONLY | O_EXCL);
    if (store->file < 0)
        return trouble(store, "make room for", err);
    int number = posix_fallocate(store->file, 0, ROOM);
    if (number == 0 && fsync(store->file) == 0)
        return true;
    errno = number ? number : errno;
    return trouble(store, "make room for", err);
}

static bool write_whole(int fd, const struct str *text)
{
    return filewrite_all(fd, text->data, text->len) && ftruncate(fd, (off_t)text->len) == 0 &&
           fsync(fd) == 0;
}

bool tokenstore_commit(struct tokenstore *store, const struct tokens *tokens, struct error *err)
{
    struct str text = {.secret = true};
    tokenfile_print(tokens, &text);
    bool ok = write_whole(store->file, &text);
    str_clear(&text);
    ok = close(store->file) == 0 && ok;
    store->file = -1;
    ok = ok &&
         renameat(store->directory, str_text(&store->temporary), store->directory,
                  str_text(&store->name)) == 0 &&
         filewrite_sync_directory(store->directory);
    return ok || trouble(store, "write", err);
}

void tokenstore_close(struct tokenstore *store)
{
    if (store->file >= 0) {
        (void)close(store->file); /* it was not to be kept */
        (void)unlinkat(store->directory, str_text(&store->temporary), 0);
    }
    if (store->lock >= 0)
        (void)close(store->lock); /* gives the lock back */
    if (store->directory >= 0)
        (void)close(store->directory); /* only read */
    store->directory = store->lock = store->file = -1;
    str_clear(&store->path);
    str_clear(&store->name);
    str_clear(&store->temporary);
}
