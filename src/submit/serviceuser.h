/* The user that owns the system's spool and passwords. */
#ifndef SERVICEUSER_H
#define SERVICEUSER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

/* True if the process is root's and there is such a user: UID and GID become the user's. */
bool serviceuser_find(uid_t *uid, gid_t *gid);

/* If the process is root's and there is such a user, it becomes that user permanently. True if it
 * did, or there was no reason to; false, EX_OSERR, if it should have and could not. */
bool serviceuser_become(struct error *err);

#endif
