/* One message from standard input to the provider. */
#ifndef SEND_H
#define SEND_H

#include "config/configuration.h"
#include "cli/invocation.h"

/* Reads, routes, completes, relays, reports. Returns the exit status. With INVOKE_PRINT it prints
 * the configuration it would use and sends nothing. */
int send_run(const struct invocation *call, const struct paths *paths);

#endif
