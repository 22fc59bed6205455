/* "Did you mean": of several known words the one most like a mistyped one. */
#ifndef NEAREST_H
#define NEAREST_H

#include <stdbool.h>

#include "base/error.h"

enum { NEAREST_WORD_MAX = 64 }; /* longer words are like nothing */

struct nearest {
    const char *word; /* what was typed */
    const char *best; /* borrowed; NULL while nothing came near */
    unsigned distance;
};

/* Compares CANDIDATE with the word and keeps it if it is nearer than what was offered before. Case,
 * and '-' for '_', cost nothing; one change in three letters is near. */
void nearest_offer(struct nearest *nearest, const char *candidate);

/* Appends ": did you mean 'BEST'?" to the error, if something came near. Returns false. */
bool nearest_hint(const struct nearest *nearest, struct error *err);

#endif
