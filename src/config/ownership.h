/* Whether another user may have written a file that says what is run and where passwords are sent.
 */
#ifndef OWNERSHIP_H
#define OWNERSHIP_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/error.h"
#include "config/account.h"

/* True if somebody besides the owner and root can write. A group with the number of the owner is
 * the owner's own. */
bool ownership_is_shared(const struct stat *facts);

/* EX_CONFIG, with the chown or chmod that mends it, unless the file at PATH belongs to UID or root
 * and nobody else can write to it. */
bool ownership_check(const char *path, const struct stat *facts, uid_t uid, struct error *err);

/* The same for the file that KEY of ACCOUNT names, if it is a user's account: the system's files
 * are the administrator's. One that is not there is left to its reader. */
bool ownership_check_named(const struct account *account, const struct key *key, uid_t uid,
                           struct error *err);

/* True if UID is root, this process's user, or the service's. */
bool ownership_is_trusted(uid_t uid);

/* True if nobody can write to the file system of PATH, as with the secrets of a container: the
 * runtime that mounted it chose the modes. */
bool ownership_is_read_only(const char *path);

#endif
