/* What one delivery attempt meant for one recipient: the facts, noted where they were seen. What
 * follows from them (exit status, retry, bounce) is decided in delivery/verdict.c alone. */
#ifndef OUTCOME_H
#define OUTCOME_H

#include <stddef.h>

#include "base/error.h"

enum outcome_result {
    OUTCOME_UNTRIED, /* the attempt ended before this recipient's turn, or 452 put it off */
    OUTCOME_SENT,    /* the provider has taken responsibility (RFC 5321, 6.1) */
    OUTCOME_REFUSED, /* scope and class say how */
};

struct outcome {
    enum outcome_result result;
    enum error_scope scope; /* the rest is for OUTCOME_REFUSED */
    enum error_class class;
    int code;        /* sysexits */
    int reply_code;  /* SMTP, 0 if no reply was involved */
    char status[12]; /* enhanced status code, "" if none */
    char *text;      /* one line: what was refused; NULL otherwise */
    char *reply;     /* the server's reply, lines separated by '\n'; NULL or "" if none */
};

/* Makes O a refusal with the facts of ERR (copied). */
void outcome_refuse(struct outcome *o, const struct error *err);

/* The other way: fills ERR with what O says. O must be a refusal. */
void outcome_to_error(const struct outcome *o, struct error *err);

/* Frees the texts of N outcomes, makes them untried, and leaves the array to its owner. */
void outcome_clear(struct outcome *o, size_t n);

#endif
