/* Looking at a server, or asking one for something, without a message: --serverinfo and --rmqs. */
#ifndef SERVER_H
#define SERVER_H

#include "config/configuration.h"
#include "cli/invocation.h"

/* Prints what the server of the account says of itself: greeting, TLS and certificate, what it
 * offers. No login. Returns the exit status. */
int server_show(const struct invocation *call, const struct paths *paths);

/* Logs in and asks the server to deliver what it keeps for call->rmqs (ETRN, RFC 1985). */
int server_start_queue(const struct invocation *call, const struct paths *paths);

#endif
