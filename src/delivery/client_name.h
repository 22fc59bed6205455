/* What this machine calls itself in EHLO (RFC 5321, 4.1.1.1). */
#ifndef CLIENT_NAME_H
#define CLIENT_NAME_H

#include "base/str.h"
#include "config/account.h"

/* Appends the account's `domain`, else HOST_NAME, the host's full name or "", else the literal of
 * the address that FD is connected from. What every machine calls itself (localhost) is no name. */
void client_name_add(struct str *out, const struct account *account, const char *host_name, int fd);

#endif
