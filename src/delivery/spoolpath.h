/* Which spools there are: one of the user's scope, one of the system's. */
#ifndef SPOOLPATH_H
#define SPOOLPATH_H

#include <stdbool.h>

#include "base/str.h"
#include "config/site.h"

/* Appends the directory of SCOPE's spool: [queue] directory of that scope, else
 * STATE_HOME/onehop for the user, and the compiled-in directory for the system. False if there is
 * none (a user without a home). The command line's scope is the user's. */
bool spoolpath_find(struct str *out, const struct site *site, enum account_scope scope);

#endif
