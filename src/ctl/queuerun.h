/* Delivering what waits: -q, runq, onehopctl flush, and the runs of the service. */
#ifndef QUEUERUN_H
#define QUEUERUN_H

#include <stdbool.h>
#include <stdio.h>

#include "config/configuration.h"
#include "config/thishost.h"
#include "delivery/runner.h"
#include "submit/rendezvous.h"
#include "ctl/run_report.h"

struct queuerun {
    const char *program;
    const char *file; /* -C, or NULL */
    bool verbose;     /* the dialogue goes to standard error */
    FILE *report;     /* where a line goes that says what happened, or NULL */
    struct runner_filter filter;
};

/* One run of every spool that the caller has, the system's by way of the service if this caller may
 * not read it. Returns 0, or the exit status of the first trouble with configuration or spool; that
 * some mail still waits is no trouble. */
int queuerun_run(const struct queuerun *want, const struct paths *paths);

/* What a run of one spool needs. */
struct queuerun_facts {
    const char *program;
    const struct paths *paths;
    const struct caller *caller;
    const struct this_host *host;
    const struct configuration *config;
    struct rendezvous *rendezvous; /* or NULL */
    bool verbose;
    struct run_report *report; /* is added to, or NULL */
    bool progress;             /* on standard error, which is a terminal */
};

/* One run of the spool of SCOPE. *DENIED, if not NULL, tells that this caller may not open it.
 * Returns as above. */
int queuerun_level(const struct queuerun_facts *facts, enum account_scope scope,
                   const struct runner_filter *filter, bool *denied);

#endif
