/* A run of the queue for a client of the control socket. It connects to providers and needs their
 * passwords, the process that serves the client must not: so that one asks another, which was
 * forked before the first was confined. What is asked for are values of fixed form; whose mail it
 * is about the asking process cannot choose. */
#ifndef CONTROL_FLUSH_H
#define CONTROL_FLUSH_H

#include <stdbool.h>
#include <stdio.h>

#include "config/site.h"

enum { CONTROL_FLUSH_ID, CONTROL_FLUSH_ACCOUNT, CONTROL_FLUSH_RECIPIENT, CONTROL_FLUSH_SENDER };
enum { CONTROL_FLUSH_TEXTS = CONTROL_FLUSH_SENDER + 1 };

struct service_session;

struct control_flush {
    const char *text[CONTROL_FLUSH_TEXTS]; /* of struct runner_filter; "" takes everything */
    bool due, report, person;              /* as in the command: see control_server.h */
    bool observe; /* not a run: what ctl/observation.h sees, which tokens are part of */
};

/* Asks at FD for a run and prints what came of it. Returns the exit status; EX_TEMPFAIL, reported
 * on ERR, if the other process is not there. */
int control_flush_ask(int fd, const struct control_flush *wish, FILE *out, FILE *err);

/* Runs the queue for SITE's caller, each time that is asked for at FD, until the asking process
 * ends: of an ordinary user's mail in turn with the user's other sessions, so that nobody who asks
 * again and again takes all connections of an account. After such a run the runner is woken, for
 * what came in meanwhile. */
void control_flush_serve(int fd, const struct site *site, const struct service_session *session);

/* True if the caller of SITE, root or the service's user, sees everybody's mail. */
bool control_flush_sees_everything(const struct site *site);

#endif
