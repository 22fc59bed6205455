/* The client of the service's control socket, RUNDIR/control: it sends a line with a verb and
 * arguments, and gets the output, then the exit status. See service/control_server.h. */
#ifndef CONTROL_CLIENT_H
#define CONTROL_CLIENT_H

#include <stdio.h>

#include "config/site.h"

/* Has the service do COMMAND ("list", "flush id=...") to the caller's mail in the system's queue,
 * and prints what it prints. Returns its exit status; EX_TEMPFAIL, reported, if no service listens.
 */
int control_client_run(const struct site *site, const char *command, FILE *out, FILE *err);

#endif
