/* Subordinate uids (subuid(5)): a user with a range of them is still one user. */
#ifndef SUBUID_H
#define SUBUID_H

#include <sys/types.h>

#include "config/configuration.h"

/* The uid that SYSCONFDIR/subuid gives UID to, the first one of the range if the owner's name is
 * not known; UID itself if no line has it. */
uid_t subuid_owner(const struct paths *paths, uid_t uid);

#endif
