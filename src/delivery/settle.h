/* An entry after an attempt: results journalled, bounces made, the entry removed, deferred or kept
 * in failed/. The order in which things reach the disk is that of queue/spool.h: a bounce is
 * committed before the failure that it reports is forgotten. */
#ifndef SETTLE_H
#define SETTLE_H

#include <stdbool.h>

#include "delivery/account_access.h"
#include "delivery/delivery.h"

enum settle_end {
    SETTLE_DONE,   /* nothing of the entry is left to do */
    SETTLE_WAITS,  /* some recipients wait for the next attempt */
    SETTLE_KEPT,   /* moved to failed/ */
    SETTLE_FAILED, /* the spool failed: ERR says how; the entry is as safe as before */
};

struct settlement {
    const struct delivery_context *delivery;
    const struct account *account; /* NULL: no account serves the entry any more */
    const char *provider;          /* the host that the session was with, "" if none */
    bool undecided;                /* the provider may have the content */
    const char *declined; /* how ACCOUNT, a fallback, was refused it; NULL or "": it was not */
    bool account_fails;   /* its breaker says when to try again, not the entry's own intervals */
    bool is_awaited;      /* the caller waits for the result: if every recipient was refused
                               permanently there is no bounce: the exit status reports it */
    struct account_access *access; /* where the result is counted; NULL: it is not */
};

/* Settles the lock, which ends. */
enum settle_end settle_attempt(const struct settlement *settlement, struct entry_lock *lock,
                               const struct attempt *attempt, struct error *err);

#endif
