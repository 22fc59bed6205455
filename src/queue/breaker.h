/* The breaker of an account: when the provider, the way there, or the login fails, nothing is tried
 * for a while, so that a thousand entries do not mean a thousand timeouts or a locked login. When
 * that while is over, or what the failure depended on has changed, one attempt, the probe, is
 * made first. Pure. */
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
    bool after_login;                /* the server accepts logins: only accepted mail closes it */
    int64_t since;                   /* of the first of these failures */
    int64_t last;                    /* of the last one */
    int64_t until;                   /* nothing is tried before */
    uint64_t depends;                /* what the account's settings were, as a number */
    char reason[BREAKER_REASON_MAX]; /* one line */
};

/* A failure of the account, as one attempt met it. */
struct breaker_failure {
    enum error_cause cause;
    bool after_login;
    const char *reason;
    long wait;        /* seconds that the other side wants to be left alone; 0: not said */
    int64_t began;    /* when the attempt began */
    int64_t ended;    /* and met it */
    uint64_t depends; /* what the account's settings were then */
};

/* True if the account may be used NOW: the breaker is closed, or a probe is due (which a clock that
 * was set back makes it, too), or the settings are others than those that failed. */
bool breaker_allows(const struct breaker *breaker, int64_t now, uint64_t depends);

/* Notes that the caller is about to try. A closed breaker stays as it is; an open one is shut for
 * the present interval, so that no other process probes and a prober that dies costs no more than
 * that. */
void breaker_probe(struct breaker *breaker, int64_t now, uint64_t depends);

/* The attempt ended in a failure of the account: the network's are left alone for 30 s, doubled up
 * to 30 min; what the provider throttles for 5 min up to 1 h; a login for 30 min up to 8 h; each up
 * to a quarter shorter or longer by RANDOM; never shorter than the failure's `wait`. Connections
 * that fail in one moment count once: an attempt that began before the last failure was counted
 * changes nothing. */
void breaker_open(struct breaker *breaker, const struct breaker_failure *failure, uint64_t random);

/* A probe is due at once: a person asks, or the login was verified. */
void breaker_half_open(struct breaker *breaker, int64_t now);

/* The attempt got through. */
void breaker_close(struct breaker *breaker);

#endif
