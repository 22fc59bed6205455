/* Looking at the queue and managing it, entry by entry. */
#ifndef QUEUECTL_H
#define QUEUECTL_H

#include <stdbool.h>

#include "config/configuration.h"

/* mailq: every spool that the caller has, in Postfix's format, or as JSON. With FAILED what is in
 * failed/. Returns the exit status. */
int queuectl_list(const char *program, const struct paths *paths, bool json, bool failed);

enum queuectl_act { QUEUECTL_SHOW, QUEUECTL_HOLD, QUEUECTL_RELEASE, QUEUECTL_DELETE };

/* Does ACT to the entry ID. Shows its envelope, its journal and its content; holds it back, whether
 * it waits or has failed; lets it go again, from hold/ or failed/; deletes it. An entry that is not
 * there is EX_NOINPUT, one that is being delivered EX_TEMPFAIL. */
int queuectl_act(const struct paths *paths, enum queuectl_act act, const char *id);

#endif
