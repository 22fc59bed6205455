/* Writing a file of a configuration as a whole. */
#ifndef SETUP_FILE_H
#define SETUP_FILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/str.h"

struct setup_owner {
    uid_t uid; /* -1: as it comes */
    gid_t gid;
    mode_t mode;
};

/* Writes TEXT to PATH, which does not exist and of which nobody sees a part; it is on disk
 * afterwards. EX_CANTCREAT. */
bool setup_file_write(const char *path, const struct str *text, const struct setup_owner *owner,
                      struct error *err);

/* Renames PATH to TARGET, which may exist. EX_CANTCREAT. */
bool setup_file_move(const char *path, const char *target, struct error *err);

/* Makes the directory PATH, and those above it with mode 0755 or OWNER's if that is closed. One
 * that is there stays as it is. EX_CANTCREAT. */
bool setup_file_directory(const char *path, const struct setup_owner *owner, struct error *err);

#endif
