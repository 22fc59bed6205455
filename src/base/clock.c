#include "config.h"
#include "base/clock.h"

#include <limits.h>
#include <time.h>

#include "base/str.h"

int64_t clock_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail on Linux and the BSDs */
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_wall_microseconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_wall(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec;
}

bool clock_add_local(struct str *out, int64_t seconds, const char *format)
{
    char text[CLOCK_TEXT_MAX + 1];
    time_t moment = (time_t)seconds;
    struct tm local;
    bool ok = localtime_r(&moment, &local) && strftime(text, sizeof text, format, &local) > 0;
    if (ok)
        str_add(out, text);
    return ok;
}

int64_t clock_after(int64_t span)
{
    return span <= 0 ? CLOCK_NEVER : clock_now() + span;
}

int clock_poll_timeout(int64_t deadline)
{
    if (deadline == CLOCK_NEVER)
        return -1;
    int64_t left = deadline - clock_now();
    if (left <= 0)
        return 0;
    return left > INT_MAX ? INT_MAX : (int)left;
}
