/* Delivering what waits: -q, runq, onehopctl flush. */
#ifndef QUEUERUN_H
#define QUEUERUN_H

#include <stdbool.h>

#include "config/configuration.h"
#include "delivery/runner.h"

struct queuerun {
    const char *program;
    const char *file; /* -C, or NULL */
    bool verbose;     /* the dialogue goes to standard error */
    struct runner_filter filter;
};

/* One run of every spool that the caller has. Returns 0, or the exit status of the first trouble
 * with configuration or spool; that some mail still waits is no trouble. */
int queuerun_run(const struct queuerun *want, const struct paths *paths);

#endif
