#include "config.h"
#include "queue/breaker.h"

#include <stdio.h>
#include <string.h>

#include "base/escape.h"

static const struct {
    int64_t first, longest; /* seconds */
} intervals[] = {
    [CAUSE_NETWORK] = {30, 30 * 60},
    [CAUSE_THROTTLE] = {5 * 60, 60 * 60},
    [CAUSE_LOGIN] = {30 * 60, 8 * 3600},
};

static int64_t interval(const struct breaker *breaker)
{
    int64_t seconds = intervals[breaker->cause].first;
    for (unsigned i = 1; i < breaker->failures && seconds < intervals[breaker->cause].longest; i++)
        seconds *= 2;
    return seconds < intervals[breaker->cause].longest ? seconds
                                                       : intervals[breaker->cause].longest;
}

bool breaker_allows(const struct breaker *breaker, int64_t now, uint64_t depends)
{
    return breaker->failures == 0 || breaker->until <= now ||
           breaker->until - now > BREAKER_LONGEST || breaker->depends != depends;
}

void breaker_probe(struct breaker *breaker, int64_t now, uint64_t depends)
{
    if (breaker->failures == 0)
        return;
    breaker->until = now + interval(breaker);
    breaker->depends = depends;
}

/* It began before the others of its moment had failed, and says nothing new. */
static bool is_counted(const struct breaker *breaker, const struct breaker_failure *failure)
{
    return breaker->failures > 0 && breaker->cause == failure->cause &&
           breaker->last >= failure->began && breaker->last <= failure->ended;
}

void breaker_open(struct breaker *breaker, const struct breaker_failure *failure, uint64_t random)
{
    int64_t now = failure->ended;
    if (is_counted(breaker, failure))
        return;
    if (breaker->failures == 0 || breaker->since > now)
        breaker->since = now;
    if (breaker->cause != failure->cause)
        breaker->failures = 0; /* its intervals start at their beginning */
    breaker->cause = failure->cause;
    breaker->after_login = failure->after_login;
    breaker->depends = failure->depends;
    breaker->last = now;
    if (breaker->failures < 1000)
        breaker->failures++;
    int64_t wait = interval(breaker);
    wait = wait - wait / 4 + (int64_t)(random % (uint64_t)(wait / 2 + 1));
    int64_t asked = failure->wait < BREAKER_LONGEST ? failure->wait : BREAKER_LONGEST;
    breaker->until = now + (wait > asked ? wait : asked);
    struct str line = {0};
    escape_line(&line, failure->reason, strlen(failure->reason));
    (void)snprintf(breaker->reason, sizeof breaker->reason, "%s", str_text(&line)); /* may be cut */
    str_clear(&line);
}

void breaker_half_open(struct breaker *breaker, int64_t now)
{
    if (breaker->failures > 0)
        breaker->until = now;
}

void breaker_close(struct breaker *breaker)
{
    *breaker = (struct breaker){0};
}
