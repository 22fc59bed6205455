/* How many messages an account may send in a minute, an hour and a day: `rate = 30/m, 500/d`. */
#ifndef RATE_H
#define RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/strlist.h"

enum rate_span { RATE_MINUTE, RATE_HOUR, RATE_DAY, RATE_SPANS };

struct rate {
    uint32_t most[RATE_SPANS]; /* messages; 0: no limit */
};

/* Reads a list of "30/m" that was checked; of two with the same span the smaller counts. RATE must
 * be zeroed. True if there is any limit. */
bool rate_read(struct rate *rate, const struct strlist *list);

/* Checks a value of the key `rate`. */
bool rate_check(const char *text, struct error *err);

#endif
