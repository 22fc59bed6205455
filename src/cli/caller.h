/* Whose call it is: the environment, believed only where the password database agrees. */
#ifndef CALLER_H
#define CALLER_H

#include "base/str.h"
#include "config/configuration.h"

struct caller_storage { /* what the caller's strings point to */
    struct str name, full_name, home, config_home, state_home, user;
};

/* Fills CALLER for the real uid. HOME is taken from the environment if it is absolute, belongs to
 * the uid and is not writable by others, else from the password database (cron and atd run jobs
 * with root's HOME); XDG_CONFIG_HOME and XDG_STATE_HOME likewise, with the defaults of the XDG
 * specification below HOME; an XDG_STATE_HOME that is missing counts if it would be made in a
 * directory of the caller's. A uid without a passwd entry is called by its digits. Never fails. */
void caller_find(struct caller *caller, struct caller_storage *storage);

/* The same for another uid, of whose environment nothing is known: no home, no directories. */
void caller_find_peer(struct caller *caller, struct caller_storage *storage, uid_t uid);

void caller_clear(struct caller_storage *storage);

#endif
