/* The user that owns the system's spool and passwords. */
#ifndef SERVICEUSER_H
#define SERVICEUSER_H

#include <stdbool.h>

#include "base/error.h"

/* If the process is root's and there is such a user, it becomes that user for good. True if it did,
 * or there was no reason to; false, EX_OSERR, if it should have and could not. */
bool serviceuser_become(struct error *err);

#endif
