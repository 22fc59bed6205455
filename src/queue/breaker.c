#include "config.h"
#include "queue/breaker.h"

#include <stdio.h>
#include <string.h>

#include "base/escape.h"

static const struct {
    int64_t first, longest; /* seconds */
} intervals[] = {
    [BREAKER_NETWORK] = {30, 30 * 60},
    [BREAKER_THROTTLE] = {5 * 60, 60 * 60},
    [BREAKER_LOGIN] = {30 * 60, 8 * 3600},
};

bool breaker_is_throttle(int reply_code, const char *status)
{
    return reply_code == 421 || (reply_code == 450 && strcmp(status, "4.2.1") == 0) ||
           (reply_code == 454 && strcmp(status, "4.7.0") == 0);
}

static int64_t interval(const struct breaker *breaker)
{
    int64_t seconds = intervals[breaker->trouble].first;
    for (unsigned i = 1; i < breaker->failures && seconds < intervals[breaker->trouble].longest;
         i++)
        seconds *= 2;
    return seconds < intervals[breaker->trouble].longest ? seconds
                                                         : intervals[breaker->trouble].longest;
}

bool breaker_allows(const struct breaker *breaker, int64_t now)
{
    return breaker->failures == 0 || breaker->until <= now ||
           breaker->until - now > BREAKER_LONGEST;
}

void breaker_probe(struct breaker *breaker, int64_t now)
{
    if (breaker->failures > 0)
        breaker->until = now + interval(breaker);
}

void breaker_open(struct breaker *breaker, enum breaker_trouble trouble, const char *reason,
                  int64_t now, uint64_t random)
{
    if (breaker->failures == 0 || breaker->since > now)
        breaker->since = now;
    if (breaker->trouble != trouble)
        breaker->failures = 0; /* another trouble: its intervals start at their beginning */
    breaker->trouble = trouble;
    if (breaker->failures < 1000)
        breaker->failures++;
    int64_t wait = interval(breaker);
    breaker->until = now + wait - wait / 4 + (int64_t)(random % (uint64_t)(wait / 2 + 1));
    struct str line = {0};
    escape_line(&line, reason, strlen(reason));
    (void)snprintf(breaker->reason, sizeof breaker->reason, "%s", str_text(&line)); /* may be cut */
    str_clear(&line);
}

void breaker_close(struct breaker *breaker)
{
    *breaker = (struct breaker){0};
}
