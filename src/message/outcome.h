/* What one delivery attempt meant for one recipient: the facts, noted where they were seen. What
 * follows from them (exit status, retry, bounce) is decided in delivery/verdict.c alone. */
#ifndef OUTCOME_H
#define OUTCOME_H

#include <stddef.h>

#include "base/error.h"

enum outcome_result {
    OUTCOME_UNTRIED, /* the attempt ended before this recipient's turn, or 452 deferred it */
    OUTCOME_SENT,    /* the provider has taken responsibility (RFC 5321, 6.1) */
    OUTCOME_REFUSED, /* the error says how */
};

struct outcome {
    enum outcome_result result;
    struct error *error; /* of OUTCOME_REFUSED, its own; else NULL */
};

/* Makes O a refusal with a copy of ERR. */
void outcome_refuse(struct outcome *o, const struct error *err);

/* How many of N outcomes have RESULT. */
size_t outcome_count(const struct outcome *o, size_t n, enum outcome_result result);

/* Frees the errors of N outcomes, makes them untried, and leaves the array to its owner. */
void outcome_clear(struct outcome *o, size_t n);

#endif
