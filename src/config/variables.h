/* An account made of variables, for containers: ONEHOP_HOST, ONEHOP_USER and so on are its keys. */
#ifndef VARIABLES_H
#define VARIABLES_H

#include <stdbool.h>

#include "base/error.h"
#include "config/account.h"
#include "config/caller.h"

/* Makes *ACCOUNT, called default so that it serves every sender, of CALLER's variables that begin
 * with ONEHOP_; NULL if none of them is a key. It is the user's, or the system's if the caller is
 * the service. ONEHOP_KEY_FILE names a
 * file whose first line is the value, where KEY_FILE is no key itself. What is like no key is
 * somebody else's; what is nearly one, and a bad value, are EX_CONFIG with the name of the
 * variable. */
bool variables_account(struct account **account, const struct caller *caller, struct error *err);

/* Wipes the values of the variables ONEHOP_PASSWORD of CALLER, in the environment itself. */
void variables_wipe_password(const struct caller *caller);

#endif
