/* A spool in use by a command: opened, with all that deliveries from it need. */
#ifndef QUEUE_CONTEXT_H
#define QUEUE_CONTEXT_H

#include "config/thishost.h"
#include "queue/spool.h"
#include "queue/spool_time.h"
#include "delivery/delivery.h"
#include "cli/caller.h"
#include "submit/rendezvous.h"

enum { SPOOLING_SILENCE = 3600 }; /* seconds without a run after which waiting mail is told of */

struct spooling {
    const char *program;
    enum account_level level;
    struct spool spool;
    struct age age;
    struct relay relay;
    char *path;
    struct waiting *waiting;
    int64_t last_run; /* seconds since 1970, 0 if never */
};

struct spooling_facts {
    const char *program; /* for messages and the log */
    const struct paths *paths;
    const struct caller *caller;
    const struct this_host *host;
    const struct configuration *config;
    const struct connection_options *options;
    struct waiting *waiting; /* callers who want to hear of the first attempt, or NULL */
};

enum spooling_result {
    SPOOLING_OPEN,
    SPOOLING_NONE,    /* there is none, or (with CREATE) this caller can't have one */
    SPOOLING_TROUBLE, /* the error says */
};

/* Opens the spool of LEVEL; with CREATE it is made. FACTS must live as long. */
enum spooling_result spooling_open(struct spooling *spooling, const struct spooling_facts *facts,
                                   enum account_level level, bool create, struct error *err);

/* Notes in the stamp that a run begins now. */
void spooling_note_run(struct spooling *spooling);

/* Tells on standard error, always, that mail waits in a spool that nothing runs. */
void spooling_warn_if_silent(const struct spooling *spooling);

void spooling_close(struct spooling *spooling);

#endif
