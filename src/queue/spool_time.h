/* How old an entry is, in time that the spool lived through. A machine that was off for a month, a
 * board that wakes up in 1970 and then learns the date, a clock set forward by a year: none of it
 * makes mail old enough to bounce. Each run notes when it was; a gap of more than AGE_GAP_MAX
 * between two runs counts as AGE_GAP_MAX. Pure. */
#ifndef SPOOL_TIME_H
#define SPOOL_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum {
    AGE_GAP_MAX = 24 * 3600, /* seconds; also what a daily cron job leaves between runs */
    AGE_GAPS = 32,           /* gaps remembered, the newest ones */
};

/* Zeroed memory is a spool that was never run. Times are seconds since 1970. */
struct age {
    int64_t last_run; /* 0: never */
    struct {
        int64_t from, to; /* nothing ran, and nothing aged, between these */
    } gap[AGE_GAPS];
    size_t n;
};

void age_note_run(struct age *age, int64_t now);

/* Seconds that an entry which came at ARRIVAL has spent in the spool; never negative. */
int64_t age_of(const struct age *age, int64_t arrival, int64_t now);

/* As a small text with a checksum. Text that cannot be read leaves AGE zeroed. */
void age_encode(const struct age *age, struct str *out);
void age_decode(struct age *age, const char *data, size_t len);

#endif
