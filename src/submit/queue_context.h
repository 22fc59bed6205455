/* A spool in use by a command: opened, with all that deliveries from it need. */
#ifndef QUEUE_CONTEXT_H
#define QUEUE_CONTEXT_H

#include "config/thishost.h"
#include "queue/spool.h"
#include "queue/spool_time.h"
#include "delivery/delivery.h"
#include "cli/caller.h"
#include "submit/progress.h"
#include "submit/rendezvous.h"

enum {
    QUEUE_CONTEXT_SILENCE = 3600
}; /* seconds without a run after which waiting mail is told of */

struct queue_context {
    const char *program;
    enum account_scope scope;
    struct spool spool;
    struct spool_time spool_time;
    struct delivery_context delivery;
    char *path;
    struct rendezvous *rendezvous;
    struct progress *progress; /* of a run that a person watches, or NULL */
    int64_t last_run; /* seconds since 1970, 0 if never */
};

struct queue_context_facts {
    const char *program; /* for messages and the log */
    const struct paths *paths;
    const struct caller *caller;
    const struct this_host *host;
    const struct configuration *config;
    const struct connection_options *options;
    struct rendezvous *rendezvous; /* callers who want to hear of the first attempt, or NULL */
};

enum queue_context_result {
    QUEUE_CONTEXT_OPEN,
    QUEUE_CONTEXT_NONE,    /* there is none, or (with CREATE) this caller can't have one */
    QUEUE_CONTEXT_TROUBLE, /* the error says */
};

/* Opens the spool of SCOPE; with CREATE it is made. FACTS must live as long. */
enum queue_context_result queue_context_open(struct queue_context *queue,
                                             const struct queue_context_facts *facts,
                                             enum account_scope scope, bool create,
                                             struct error *err);

/* Notes in the stamp that a run begins now. */
void queue_context_note_run(struct queue_context *queue);

/* Tells on standard error, always, that mail waits in a spool that nothing runs. */
void queue_context_warn_if_silent(const struct queue_context *queue);

void queue_context_close(struct queue_context *queue);

#endif
