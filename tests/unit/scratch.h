/* A directory of its own for a test that needs files. */
#ifndef SCRATCH_H
#define SCRATCH_H

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char scratch[] = "/tmp/onehop-test-XXXXXX";

/* Makes the directory, open to all: some tests change their uid. */
static inline int scratch_setup(void **state)
{
    (void)state;
    return mkdtemp(scratch) && chmod(scratch, 0755) == 0 ? 0 : -1;
}

static inline int scratch_drop(const char *path, const struct stat *facts, int type,
                               struct FTW *walk)
{
    (void)facts;
    (void)type;
    (void)walk;
    return remove(path);
}

static inline int scratch_teardown(void **state)
{
    (void)state;
    return nftw(scratch, scratch_drop, 8, FTW_DEPTH | FTW_PHYS);
}

/* The full name of NAME in the directory, valid until the second next call. */
static inline const char *scratch_path(const char *name)
{
    static char paths[2][512];
    static int turn;
    turn = !turn;
    snprintf(paths[turn], sizeof paths[turn], "%s/%s", scratch, name);
    return paths[turn];
}

/* Writes LEN octets to NAME, making directories on the way. Returns the full name. */
static inline const char *scratch_write(const char *name, mode_t mode, const char *text, size_t len)
{
    const char *path = scratch_path(name);
    char parent[512];
    for (const char *slash = strchr(path + strlen(scratch) + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        snprintf(parent, sizeof parent, "%.*s", (int)(slash - path), path);
        (void)mkdir(parent, 0755);
    }
    (void)unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, text, len) != (ssize_t)len || fchmod(fd, mode) != 0)
        abort();
    (void)close(fd);
    return path;
}

#endif
