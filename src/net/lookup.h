/* A call of the C library that has no deadline (getaddrinfo(3), res_query(3)), made in a thread
 * that is left behind if it takes longer. */
#ifndef LOOKUP_H
#define LOOKUP_H

#include <stdint.h>

#include "base/error.h"

struct lookup_call {
    void (*run)(void *context);
    void (*discard)(void *context); /* frees what nobody waits for any more */
    void *context;
};

enum lookup_end {
    LOOKUP_DONE,       /* the context is the caller's again */
    LOOKUP_LATE,       /* the context is discarded when the thread ends */
    LOOKUP_IMPOSSIBLE, /* no thread, and the context is discarded; ERR: EX_OSERR */
};

/* Runs CALL until it has an end, or until DEADLINE, a moment. */
enum lookup_end lookup_run(const struct lookup_call *call, int64_t deadline, struct error *err);

#endif
