/* The client of the service's control socket, RUNDIR/control: it sends a line with a verb and
 * arguments, and gets the output, then the exit status. See service/control_server.h. */
#ifndef CONTROL_CLIENT_H
#define CONTROL_CLIENT_H

#include <stdio.h>

#include "base/error.h"
#include "base/str.h"
#include "config/site.h"

/* Has the service do COMMAND ("list", "flush id=...") to the caller's mail in the system's queue,
 * and prints what it prints. Returns its exit status; EX_TEMPFAIL, reported, if no service listens.
 */
int control_client_run(const struct site *site, const char *command, FILE *out, FILE *err);

/* Appends the answer to COMMAND, a question, to OUT. EX_TEMPFAIL where no service answers,
 * EX_UNAVAILABLE where it is of a version that does not know the question. */
bool control_client_ask(const struct site *site, const char *command, struct str *out,
                        struct error *err);

#endif
