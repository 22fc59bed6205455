/* The line to the service: our SMTP client on its socket. */
#ifndef SERVICE_CLIENT_H
#define SERVICE_CLIENT_H

#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"
#include "net/stream.h"
#include "submit/send_context.h"

/* Appends the path of the service's socket. */
void service_client_path(struct str *out, const struct paths *paths);

/* Connects. NULL, EX_TEMPFAIL: nobody listens, and what to start; or why the socket is not to be
 * had. */
struct stream *service_client_open(const struct paths *paths, struct error *err);

/* Hands the message of S over, which was read and not finished: what is missing in it, aliases,
 * account and rewriting are the service's to settle. STREAM is closed. Returns the exit status
 * after reporting. */
int service_client_send(struct send_context *s, struct stream *stream);

/* Has the service do COMMAND ("LIST", "FLUSH id=...") to the caller's mail in the system's queue,
 * and shows what it prints. Returns its exit status; EX_TEMPFAIL, told, if nobody listens. */
int service_client_queue(const struct site *site, const char *command);

#endif
