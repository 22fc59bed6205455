/* SASL mechanisms (RFC 4422): what a client says at each step. */
#ifndef SASL_H
#define SASL_H

#include <stdbool.h>

#include "base/str.h"
#include "smtp/session.h"

struct sasl {
    enum sasl_mechanism id;
    const char *name;
    bool shows_secret;  /* whoever sees the dialogue can log in: not without TLS */
    bool initial;       /* the first response goes with the command (RFC 4954, 4) */
    bool exchange;      /* exchange.h leads the conversation; what follows is of no use */
    unsigned responses; /* how many it takes; one more is a confession of failure */
    /* Appends the response of STEP (from 0), not yet in base64. */
    void (*respond)(const struct session_login *login, unsigned step, struct str *out);
    const char *give_up; /* the answer, in base64, to the challenge that tells of an error; NULL:
                            there is none, and "*" cancels */
};

/* The mechanism to use: WISH itself, or for SASL_AUTO the first of SCRAM-SHA-256-PLUS,
 * SCRAM-SHA-1-PLUS (with BINDING), SCRAM-SHA-256, SCRAM-SHA-1, PLAIN, LOGIN that OFFERED
 * (" PLAIN LOGIN ") has and this program knows. NULL if OFFERED has not. */
const struct sasl *sasl_choose(enum sasl_mechanism wish, const char *offered, bool binding);

/* Its name, for texts: "SCRAM, PLAIN or LOGIN" for SASL_AUTO. */
const char *sasl_name(enum sasl_mechanism wish);

#endif
