/* Looking at a server, or asking one for something, without a message: --serverinfo and --rmqs. */
#ifndef SERVERINFO_H
#define SERVERINFO_H

#include "config/site.h"
#include "cli/invocation.h"

/* Prints what the server of the account says of itself: greeting, TLS and certificate, what it
 * offers. No login. With call->rmqs: logs in and asks the server to deliver what it keeps for that
 * (ETRN, RFC 1985). Returns the exit status. */
int serverinfo_run(const struct invocation *call, struct site *site);

#endif
