/* The machine's part of setup: the service's user, its directories, its units. */
#ifndef SETUP_SYSTEM_H
#define SETUP_SYSTEM_H

#include <sys/types.h>

#include "config/site.h"

/* Finds the service's user, or makes it, and the directories that the service needs. Prints the
 * commands it runs. EX_NOUSER, EX_CANTCREAT. */
bool setup_system_prepare(const struct site *site, uid_t *uid, gid_t *gid, struct error *err);

/* On a machine that systemd runs: enables and starts the service, and waits until it answers.
 * Elsewhere it prints how to start it. EX_UNAVAILABLE. */
bool setup_system_start(const struct site *site, struct error *err);

/* Prints how to undo that. */
void setup_system_show_undo(void);

#endif
