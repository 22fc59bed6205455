/* The breaker of an account: when the provider, the way there, or the login is in trouble, nothing
 * is tried for a while, so that a thousand entries do not mean a thousand timeouts or a locked
 * login. When that while is over one attempt, the probe, goes first. Pure. */
#ifndef BREAKER_H
#define BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum { BREAKER_REASON_MAX = 256, BREAKER_LONGEST = 8 * 3600 * 5 / 4 };

/* Zeroed memory is a closed breaker: mail flows. Times are seconds since 1970. */
struct breaker {
    unsigned failures; /* in a row; 0: closed */
    enum error_cause cause;
    int64_t since;                   /* of the first of these failures */
    int64_t until;                   /* nothing is tried before */
    char reason[BREAKER_REASON_MAX]; /* one line */
};

/* True if the account may be used NOW: the breaker is closed, or a probe is due (which a clock that
 * was set back makes it, too). */
bool breaker_allows(const struct breaker *breaker, int64_t now);

/* Notes that the caller is about to try. A closed breaker stays as it is; an open one whose probe
 * is due is shut for the present interval, so that nobody else probes and a prober that dies costs
 * no more than that. */
void breaker_probe(struct breaker *breaker, int64_t now);

/* The attempt ended in a failure of the account: the network's are left alone for 30 s, doubled up
 * to 30 min; what the provider throttles for 5 min up to 1 h; a login for 30 min up to 8 h; each up
 * to a quarter shorter or longer by RANDOM. */
void breaker_open(struct breaker *breaker, enum error_cause cause, const char *reason, int64_t now,
                  uint64_t random);

/* The attempt got as far as a logged-in session. */
void breaker_close(struct breaker *breaker);

#endif
