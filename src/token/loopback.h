/* Where a browser brings the answer of an authorization server (RFC 8252, 7.3): a listener on this
 * machine's loopback address, and the descriptor on which a person pastes an address. */
#ifndef LOOPBACK_H
#define LOOPBACK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

enum {
    LOOPBACK_LINE_MAX = 16 * 1024, /* octets of a request, or of a pasted line */
    LOOPBACK_CLIENTS_MAX = 8,      /* connections without a request yet */
};

struct loopback {
    int listener; /* -1: none, the answer can only be pasted */
    int answers;  /* -1: nothing is pasted */
    int port;
    struct str uri;    /* of the redirection, with the port */
    struct str path;   /* of it, "/" at least */
    struct str pasted; /* a secret: what has come of the next lines */
    /* Browsers connect ahead of what they ask: the oldest first. */
    int clients[LOOPBACK_CLIENTS_MAX];
    size_t connected;
};

/* Listens where REDIRECT says: on its port, or without one on a free one. One that is no loopback
 * address has no listener. ANSWERS is a descriptor, or -1. EX_TEMPFAIL if the port is taken. */
bool loopback_open(struct loopback *loopback, const char *redirect, int answers, struct error *err);

/* Waits for the next answer and appends its query ("code=...&state=...") to QUERY, a secret; a code
 * that a person pasted alone is appended as it is. *CLIENT is the browser's connection, which
 * loopback_reply() closes, or -1. Requests for something else get 404. False, EX_NOPERM: DEADLINE
 * has passed, or no answer can come any more. */
bool loopback_wait(struct loopback *loopback, int64_t deadline, struct str *query, int *client,
                   struct error *err);

/* Shows the person TEXT in the browser. Does nothing where CLIENT is -1. */
void loopback_reply(int client, bool ok, const char *text);

void loopback_close(struct loopback *loopback);

#endif
