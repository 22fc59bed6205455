/* A session with one host of an account: connected, through a proxy where one is set, TLS verified,
 * EHLO said. For connection.c. */
#ifndef DIALER_H
#define DIALER_H

#include "delivery/connectionstate.h"

/* What needs a file is done before anybody is connected to: the TLS module is loaded, the account's
 * files are checked. */
bool dialer_prepare(struct connection *c, struct error *err);

/* Makes c->session with c->host, up to EHLO. Failures are reported as steps and judged; a session
 * may be left, which dialer_end() ends. */
bool dialer_start(struct connection *c, struct error *err);

/* For the session's parameters, whose context is a struct connection: see smtp/session.h. */
struct stream *dialer_start_tls(void *context, struct stream *inner, int64_t deadline,
                                struct error *err);
void dialer_channel_binding(void *context, struct binding *binding);

/* Ends c->session, if there is one. */
void dialer_end(struct connection *c);

#endif
