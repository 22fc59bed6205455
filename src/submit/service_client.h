/* The line to the service: our SMTP client on its socket. */
#ifndef SERVICE_CLIENT_H
#define SERVICE_CLIENT_H

#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"
#include "net/stream.h"
#include "submit/send_context.h"

/* Connects to RUNDIR/NAME, a socket of the service. NULL, EX_TEMPFAIL: no process listens, and what
 * to start; or why the socket cannot be used. */
struct stream *service_client_connect(const struct paths *paths, const char *name,
                                      struct error *err);

/* The same for the socket that takes mail. */
struct stream *service_client_open(const struct paths *paths, struct error *err);

/* Hands the message of S over, which was read and not finished: what is missing in it, aliases,
 * account and rewriting are the service's to settle. STREAM is closed. Returns the exit status
 * after reporting. */
int service_client_send(struct send_context *s, struct stream *stream);

#endif
