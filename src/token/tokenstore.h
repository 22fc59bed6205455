/* Keeping an account's tokens: its file (config/tokenfile.h) is replaced as a whole, under a lock,
 * and is on disk before what is in it is used. A server that rotates refresh tokens takes each of
 * them once; so room for the file is there before the server is asked, and two processes never ask
 * with the same one. */
#ifndef TOKENSTORE_H
#define TOKENSTORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "config/tokenfile.h"

struct tokenstore {
    struct str path, name, temporary;
    int directory, lock, file; /* descriptors, -1: none */
};

/* Opens the store of the file at PATH, and makes its directory (0700). False: EX_TEMPFAIL, or
 * EX_CONFIG if the directory is another user's or writable by others. Close with
 * tokenstore_close(). */
bool tokenstore_open(struct tokenstore *store, const char *path, struct error *err);

/* Waits until no other process has the lock, or until DEADLINE, a moment: EX_TEMPFAIL. What is held
 * is given back by tokenstore_close(). */
bool tokenstore_lock(struct tokenstore *store, int64_t deadline, struct error *err);

/* Makes sure that there is room for a file that replaces the present one. */
bool tokenstore_reserve(struct tokenstore *store, struct error *err);

/* Writes TOKENS into the room and replaces the file by it. When it returns true it is on disk. */
bool tokenstore_commit(struct tokenstore *store, const struct tokens *tokens, struct error *err);

void tokenstore_close(struct tokenstore *store);

#endif
