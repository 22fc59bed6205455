/* Delivering what waits: -q, runq, onehopctl flush, and the runs of the service. */
#ifndef QUEUERUN_H
#define QUEUERUN_H

#include <stdbool.h>
#include <stdio.h>

#include "config/site.h"
#include "delivery/runner.h"
#include "submit/rendezvous.h"
#include "ctl/run_report.h"

struct queuerun {
    struct rendezvous *rendezvous; /* callers that wait for the first attempt, or NULL */
    bool verbose;                  /* the dialogue goes to standard error */
    struct run_report *report;     /* is added to, or NULL */
    FILE *err;                     /* for what goes wrong with the spool; NULL: standard error */
    bool progress;                 /* on standard error, which is a terminal */
    struct runner_filter filter;
};

/* One run of every spool that the caller has, the system's by way of the service if this caller may
 * not read it. FILE is -C, or NULL; a line that says what happened goes to REPORT, or nowhere for
 * NULL. Returns 0, or the exit status of the first failure of configuration or spool; mail that
 * still waits is no failure. */
int queuerun_run(const struct queuerun *want, struct site *site, const char *file, FILE *report);

/* One run of the spool of SCOPE. *DENIED, if not NULL, is true if this caller may not open it.
 * Returns as above. */
int queuerun_level(const struct queuerun *want, const struct site *site, enum account_scope scope,
                   bool *denied);

#endif
