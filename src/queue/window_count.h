/* How many messages left in the last minute, hour or day, counted in slices of it. The sum of the
 * slices covers the span and up to one slice more, so a provider that counts in any way of its own
 * never sees more than the limit. Pure. */
#ifndef WINDOW_COUNT_H
#define WINDOW_COUNT_H

#include <stdbool.h>
#include <stdint.h>

enum { WINDOW_COUNT_SLICES = 12 };

/* Zeroed memory has counted nothing. */
struct window_count {
    int64_t slice; /* of the newest count: seconds since 1970, in units of a slice */
    uint32_t count[WINDOW_COUNT_SLICES + 1]; /* the newest first */
};

/* One more. */
void window_count_add(struct window_count *window, int64_t span, int64_t now);

/* The first moment at which fewer than MOST (above 0) are counted. */
int64_t window_count_free(const struct window_count *window, int64_t span, uint32_t most,
                          int64_t now);

#endif
