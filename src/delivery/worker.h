/* The worker: turns accepted entries into results. One process, one account, one connection at a
 * time: entries in the order in which they are handed out, until none is left or the account
 * fails. A submission's first try, a run of the queue and an overdue entry that is taken along
 * differ only in what is handed out. Where the server allows it several entries are in flight
 * (smtp/window.c); results are settled in the same order, each as soon as it is known, so that a
 * crash repeats at most what was in flight. */
#ifndef WORKER_H
#define WORKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "delivery/account_access.h"
#include "delivery/delivery.h"

enum { WORKER_HELD_MAX = SESSION_WINDOW_MAX + 1 }; /* locks in hand */

struct worker_job {
    const struct delivery_context *delivery;
    const char *account_name;           /* as the entries have it, and then it may be gone; or the
                                           fallback of theirs (fallback.h) */
    const char *(*next)(void *context); /* the next id, borrowed until the next call; NULL: none */
    void *context;
    enum delivery_urgency urgency;
    size_t per_connection; /* messages, then the connection is made anew */
    /* For a caller that waits for one entry: it is locked and is sent before those of next(), the
     * worker ends with its first connection, and nothing costs a round trip for the sake of those
     * that may follow. FIRST_DONE gets its attempt; ATTEMPT is NULL if it was not
     * tried. FIRST ends zeroed. */
    struct entry_lock *first;
    const struct identity *identity; /* that first is sent as */
    void (*first_done)(void *context, const struct attempt *attempt);
    /* For one of several workers of an account: */
    bool additional;              /* others work: connects before it takes an entry */
    void (*ready)(void *context); /* called when a message went through, or NULL */
    atomic_bool *stopped;         /* theirs together: the account is left alone; or NULL */
};

/* Returns 0, or EX_IOERR if the spool failed. *HANDLED counts the entries that were sent,
 * deferred or moved. */
int worker_run(const struct worker_job *job, size_t *handled);

#endif
