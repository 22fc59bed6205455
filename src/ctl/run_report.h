/* What a run of the queue did, for the person who asked for it: how many messages have left, how
 * many wait and why. Found by looking at the spool before and after the run, so that it costs a run
 * that nobody reads about nothing. */
#ifndef RUN_REPORT_H
#define RUN_REPORT_H

#include <stdio.h>

#include "queue/scan.h"
#include "delivery/runner.h"

/* Of one or more spools. Zeroed memory is the report of no run. */
struct run_report {
    size_t left, kept, waiting; /* kept: in failed/ */
    struct str why;             /* the first that waits gives its reason and its next attempt */
};

/* Before the run: WANTED becomes the entries of the queue that FILTER takes, whatever their time. */
bool run_report_before(struct scan *wanted, const struct spool *spool,
                       const struct runner_filter *filter, struct error *err);

/* After it: adds what became of them. */
void run_report_after(struct run_report *report, const struct spool *spool,
                      const struct scan *wanted);

/* "2 messages have left, 3 wait: REASON; next attempt Thu Nov 26 14:05:10", as one line. */
void run_report_print(const struct run_report *report, FILE *out);

void run_report_clear(struct run_report *report);

#endif
