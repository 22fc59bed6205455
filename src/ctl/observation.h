/* What monitoring asks of this machine's mail, as one value: how much waits and for how long, what
 * was given up, which accounts fail, whose tokens and certificates end when, and what was counted.
 * status and metrics print it; whatever else wants to know builds on it, too. */
#ifndef OBSERVATION_H
#define OBSERVATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "config/site.h"
#include "queue/counters.h"

enum observation_state {
    OBSERVATION_WAITING, /* to be delivered, or being delivered */
    OBSERVATION_HELD,
    OBSERVATION_FAILED, /* in failed/ */
};
enum { OBSERVATION_STATES = OBSERVATION_FAILED + 1 };
extern const char *const observation_states[OBSERVATION_STATES]; /* their names */

/* Times are seconds since 1970, and 0 where there is none. */
struct observed_account {
    char *name;
    int64_t failing_since; /* its breaker is open since; 0: it works */
    enum error_cause cause;
    char *reason;                /* one line; "" where the caller may not see it */
    int64_t token_expires;       /* the access token's end, which is no harm if it can be renewed */
    int64_t person_by;           /* when a person must log in again; 0: never */
    int64_t certificate_expires; /* of tls_cert_file and tls_trust_file the first */
    struct counters counters;
};
extern const char *const observation_causes[CAUSE_LOGIN + 1]; /* the names of causes */

/* Zeroed memory has seen nothing. */
struct observation {
    struct {
        uint64_t messages;
        int64_t oldest; /* when the first one arrived */
    } queue[OBSERVATION_STATES];
    int64_t unattended_since; /* the last run of a queue in which mail waits */
    struct observed_account *account;
    size_t n, size;
    char *configuration; /* why what the files say is not used; NULL: it is */
};

/* Reads the configuration of SITE. What is wrong with the caller's files is noted in SEEN; with the
 * system's, in SITE, for where no service is asked. */
void observation_configure(struct observation *seen, struct site *site);

/* Looks at what SCOPE has: its spool, where there is one, and its accounts. SEES_ALL: with the text
 * of failures, which can name addresses. False, with ERR, if the spool cannot be read. */
bool observation_look(struct observation *seen, const struct site *site, enum account_scope scope,
                      bool sees_all, struct error *err);

/* Looks at all that the caller has; at the system's by way of the service, which answers everybody
 * with numbers, if this caller may not read it. Where a listener has users or a certificate, the
 * service is asked about them in any case, and one that does not answer is a failure. */
bool observation_make(struct observation *seen, const struct site *site, struct error *err);

/* Pure: as text for the control socket, and back, added to what SEEN has. False: it is none. */
void observation_encode(const struct observation *seen, struct str *out);
bool observation_decode(struct observation *seen, const char *text, size_t len);

/* Reads an AGE as people type it, in milliseconds; `off` is a limit that is never reached. WHAT it
 * is begins the complaint. */
bool observation_read_age(const char *what, const char *text, int64_t *age, struct error *err);

/* Seconds for which the first message of STATE has been there at NOW. */
int64_t observation_age(const struct observation *seen, enum observation_state state, int64_t now);

void observation_clear(struct observation *seen);

#endif
