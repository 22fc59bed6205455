/* Whose call it is: the environment, believed only where the password database agrees. */
#ifndef CALLER_FIND_H
#define CALLER_FIND_H

#include "config/caller.h"

/* Fills CALLER for the real uid. HOME is taken from the environment if it is absolute, belongs to
 * the uid and is not writable by others, else from the password database (cron and atd run jobs
 * with root's HOME); XDG_CONFIG_HOME and XDG_STATE_HOME likewise, with the defaults of the XDG
 * specification below HOME; an XDG_STATE_HOME that is missing counts if it would be made in a
 * directory of the caller's. A uid without a passwd entry is called by its digits. Never fails. */
void caller_find(struct caller *caller, struct caller_storage *storage);

/* The same for another uid, of whose environment nothing is known: no home, no directories. */
void caller_find_peer(struct caller *caller, struct caller_storage *storage, uid_t uid);

#endif
