/* Callers that wait for what the provider says to their mail: places in memory that the service's
 * processes share, each with a descriptor that wakes the process that waits there. */
#ifndef RENDEZVOUS_H
#define RENDEZVOUS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "queue/entryid.h"

enum {
    RENDEZVOUS_PLACES = 64,
    RENDEZVOUS_SPAN = 30 * 1000,   /* milliseconds for the first attempt */
    RENDEZVOUS_SETTLE = 30 * 1000, /* and for an answer that is on its way */
};

struct rendezvous;

struct rendezvous_answer {
    int code;           /* exit status: 0 for sent, or queued for later */
    struct error error; /* with 0: empty, or what a person must mend before it is sent */
};

/* NULL if there is no memory to share. To be made before any process is forked. */
struct rendezvous *rendezvous_new(void);

/* Takes a place for entry ID: to be done while the entry is locked. -1 if all are taken. */
int rendezvous_take(struct rendezvous *rendezvous, const char *id);

/* Waits at PLACE, which is free afterwards, for the answer; until RENDEZVOUS_SPAN is over, or
 * CLIENT (a descriptor) hangs up. False if none came: the entry is in the queue as any other. LOST
 * is true if an answer was on its way and did not come. */
bool rendezvous_wait(struct rendezvous *rendezvous, int place, int client,
                     struct rendezvous_answer *answer, bool *lost);

/* The other side. True if a caller waits for ID: from then on its result must be reported. */
bool rendezvous_is_awaited(struct rendezvous *rendezvous, const char *id);
void rendezvous_report_result(struct rendezvous *rendezvous, const char *id,
                              const struct rendezvous_answer *answer);

/* Frees what the process PID held: it is gone. */
void rendezvous_forget(struct rendezvous *rendezvous, int pid);

#endif
