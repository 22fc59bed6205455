/* Who may use an account: its allow_users and allow_groups. */
#ifndef PERMISSION_H
#define PERMISSION_H

#include <stdbool.h>

#include "base/error.h"
#include "config/configuration.h"

/* False (message, permanent, EX_NOPERM) if the account is for others. Root may always. */
bool permission_check(const struct account *account, const struct caller *caller,
                      struct error *err);

#endif
