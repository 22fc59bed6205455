/* One process, one account, one connection at a time: entries in the order in which they are handed
 * out, until none is left or the account is in trouble. Where the server allows it several are in
 * flight (smtp/window.c); results are settled in the same order, each as soon as it is known, so
 * that a crash repeats at most what was in flight. */
#ifndef WORKER_H
#define WORKER_H

#include <stdbool.h>
#include <stddef.h>

#include "delivery/delivery.h"

enum { WORKER_HELD_MAX = SESSION_WINDOW_MAX + 1 }; /* locks in hand */

struct worker_job {
    const struct delivery_context *delivery;
    const char *account_name;           /* as the entries have it; may be gone */
    const char *(*next)(void *context); /* the next id, borrowed until the next call; NULL: none */
    void *context;
    bool ignore_breaker;   /* somebody asked for a run now */
    size_t per_connection; /* messages, then the connection is made anew */
};

/* Returns 0, or EX_IOERR if the spool was in trouble. *HANDLED counts the entries that were sent,
 * put off or moved. */
int worker_run(const struct worker_job *job, size_t *handled);

#endif
