/* SASL mechanisms (RFC 4422): what a client says at each step. */
#ifndef SASL_H
#define SASL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct sasl_login {
    const char *mechanism;      /* its name, in any case; "": SCRAM, PLAIN, LOGIN */
    const char *user;           /* authorization identity for EXTERNAL */
    const struct str *password; /* or token */
    const char *realm;          /* for DIGEST-MD5 and NTLM; NULL or "" for none */
    const char *host;           /* for OAUTHBEARER (RFC 7628) */
    int port;
    bool is_token;    /* without a mechanism: XOAUTH2 or OAUTHBEARER, the first that is offered */
    bool without_tls; /* the password may be shown to the network */
};

struct sasl {
    const char *name;
    bool shows_secret;    /* the dialogue is enough to log in: not without TLS */
    bool initial;         /* the first response goes with the command (RFC 4954, 4) */
    bool exchange;        /* smtp/exchange.h leads the conversation; what follows it is of no use */
    bool automatic;       /* used where none is named */
    bool binds;           /* to the channel: only where there is something to bind to */
    bool needs_no_secret; /* neither password nor token */
    bool takes_token;     /* one that ends: RFC 6750 */
    bool reads_files;     /* of the system's, such as tickets */
    unsigned responses;   /* how many it takes; one more is a confession of failure */
    /* Appends the response of STEP (from 0), not yet in base64. */
    void (*respond)(const struct sasl_login *login, unsigned step, struct str *out);
    const char *give_up; /* the answer, in base64, to the challenge that reports an error; NULL:
                            there is none, and "*" cancels */
};

/* The mechanism to use: NAME itself, or for "" the first automatic one, in the order of the table,
 * that OFFERED (" PLAIN LOGIN ") has and, where it takes an exchange, KNOWS says yes to. NULL:
 * none.
 */
const struct sasl *sasl_choose(const char *name, const char *offered, bool binding,
                               bool (*knows)(const char *name));

/* The row of NAME, in any case of letters; NULL if there is none. */
const struct sasl *sasl_find(const char *name);

/* The row I, NULL past the last one. */
const struct sasl *sasl_at(size_t i);

#endif
