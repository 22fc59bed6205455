/* An account made of variables, for containers: ONEHOP_HOST, ONEHOP_USER and so on are its keys. */
#ifndef VARIABLES_H
#define VARIABLES_H

#include <stdbool.h>

#include "base/error.h"
#include "config/account.h"

/* Makes *ACCOUNT, called default so that it serves every sender, of the VARIABLES ("NAME=VALUE",
 * NULL at the end) that begin with ONEHOP_; NULL if none of them is a key. ONEHOP_KEY_FILE names a
 * file whose first line is the value, where KEY_FILE is no key itself. What is like no key is
 * somebody else's; what is nearly one, and a bad value, are EX_CONFIG with the name of the
 * variable. HOME as in key_parse(). */
bool variables_account(struct account **account, char *const *variables, const char *home,
                       struct error *err);

#endif
