/* How far a run is, for a person at a terminal: one line that is written over, with the count, the
 * rate and the last refusal. Shared by the processes of the run. */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stddef.h>

#include "base/error.h"

struct progress;

/* Of TOTAL messages; NULL if it cannot be shared, which the others take. */
struct progress *progress_begin(size_t total);

/* An attempt ended, with WHY if somebody was refused. Prints at most five times a second. */
void progress_note(struct progress *progress, const struct error *why);

/* Clears the line. */
void progress_end(struct progress *progress);

#endif
