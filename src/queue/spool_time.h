/* How old an entry is, in time that the spool lived through. A machine that was off for a month, a
 * board that wakes up in 1970 and then learns the date, a clock set forward by a year: none of it
 * makes mail old enough to bounce. Each run notes when it was; a gap of more than
 * SPOOL_TIME_GAP_MAX between two runs counts as SPOOL_TIME_GAP_MAX. Pure, but for
 * spool_time_read(). */
#ifndef SPOOL_TIME_H
#define SPOOL_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "queue/spool.h"

enum {
    SPOOL_TIME_GAP_MAX = 24 * 3600, /* seconds; also what a daily cron job leaves between runs */
    SPOOL_TIME_GAPS = 32,           /* gaps remembered, the newest ones */
};

/* Zeroed memory is a spool that was never run. Times are seconds since 1970. */
struct spool_time {
    int64_t last_run; /* 0: never */
    struct {
        int64_t from, to; /* nothing ran, and nothing aged, between these */
    } gap[SPOOL_TIME_GAPS];
    size_t n;
};

void spool_time_note_run(struct spool_time *spool_time, int64_t now);

/* Seconds that an entry which came at ARRIVAL has spent in the spool; never negative. */
int64_t spool_time_of(const struct spool_time *spool_time, int64_t arrival, int64_t now);

/* As a small text with a checksum. Text that cannot be read leaves SPOOL_TIME zeroed. */
void spool_time_encode(const struct spool_time *spool_time, struct str *out);
void spool_time_decode(struct spool_time *spool_time, const char *data, size_t len);

/* From the spool's stamp; zeroed if there is none, or it cannot be read. */
void spool_time_read(struct spool_time *spool_time, const struct spool *spool);

#endif
