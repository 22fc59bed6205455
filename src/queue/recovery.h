/* Removing what crashes left: temporaries without a lock, journals whose entry is
 * gone. For the start of a run; takes time in proportion to tmp/ and journal/. */
#ifndef RECOVERY_H
#define RECOVERY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "queue/spool.h"

/* *REMOVED, if not NULL, counts the files that were removed. What cannot be removed stays and stops
 * nothing. */
bool recovery_run(struct spool *spool, size_t *removed, struct error *err);

#endif
