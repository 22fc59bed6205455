/* A spool in use by a command: opened, with all that deliveries from it need. */
#ifndef QUEUE_CONTEXT_H
#define QUEUE_CONTEXT_H

#include "config/site.h"
#include "queue/spool.h"
#include "queue/spool_time.h"
#include "delivery/delivery.h"
#include "submit/progress.h"
#include "submit/rendezvous.h"

enum {
    QUEUE_CONTEXT_SILENCE = 3600
}; /* seconds without a run after which waiting mail is reported */

struct queue_context {
    const struct site *site; /* the caller fills the first four, which live as long */
    enum account_scope scope;
    const struct connection_options *options;
    struct rendezvous *rendezvous; /* callers that wait for the first attempt, or NULL */
    struct spool spool;
    struct spool_time spool_time;
    struct delivery_context delivery;
    struct progress *progress; /* of a run that a person watches, or NULL */
};

enum queue_context_result {
    QUEUE_CONTEXT_OPEN,
    QUEUE_CONTEXT_NONE,   /* there is none, or (with CREATE) this caller can't have one */
    QUEUE_CONTEXT_FAILED, /* the error says */
};

/* Opens the spool of its scope; with CREATE it is made. */
enum queue_context_result queue_context_open(struct queue_context *queue, bool create,
                                             struct error *err);

/* Notes in the stamp that a run begins now. */
void queue_context_note_run(struct queue_context *queue);

/* Tells on standard error, always, that mail waits in a spool that nothing runs. */
void queue_context_warn_if_silent(const struct queue_context *queue);

void queue_context_close(struct queue_context *queue);

#endif
