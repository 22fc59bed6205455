#include "config.h"
#include "queue/window_count.h"

#include <string.h>

/* As it is at NOW: slices that are over move on, and after a clock was set back none counts. */
static struct window_count at(const struct window_count *window, int64_t span, int64_t now)
{
    struct window_count moved = {.slice = now / (span / WINDOW_COUNT_SLICES)};
    int64_t gone = moved.slice - window->slice;
    if (gone >= 0 && gone <= WINDOW_COUNT_SLICES)
        memcpy(moved.count + gone, window->count,
               (size_t)(WINDOW_COUNT_SLICES + 1 - gone) * sizeof *window->count);
    return moved;
}

static uint64_t sum(const struct window_count *window, int64_t span, int64_t now)
{
    const struct window_count moved = at(window, span, now);
    uint64_t sum = 0;
    for (int i = 0; i <= WINDOW_COUNT_SLICES; i++)
        sum += moved.count[i];
    return sum;
}

void window_count_add(struct window_count *window, int64_t span, int64_t now)
{
    *window = at(window, span, now);
    window->count[0]++;
}

int64_t window_count_free(const struct window_count *window, int64_t span, uint32_t most,
                          int64_t now)
{
    int64_t length = span / WINDOW_COUNT_SLICES;
    for (int64_t wait = 0; wait <= WINDOW_COUNT_SLICES; wait++) {
        int64_t when = wait == 0 ? now : (now / length + wait) * length;
        if (sum(window, span, when) < most)
            return when;
    }
    return now + span + length;
}
