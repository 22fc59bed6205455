/* Looking at a server, or asking one for something, without a message: --serverinfo and --rmqs. */
#ifndef SERVERINFO_H
#define SERVERINFO_H

#include "config/site.h"
#include "cli/invocation.h"

/* Prints what the server of the account says of itself: greeting, TLS and certificate, what it
 * offers. No login. Returns the exit status. */
int serverinfo_show(const struct invocation *call, struct site *site);

/* Logs in and asks the server to deliver what it keeps for call->rmqs (ETRN, RFC 1985). */
int serverinfo_start_queue(const struct invocation *call, struct site *site);

#endif
