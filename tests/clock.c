/* The wall clock of the test program: what the machine says plus ONEHOP_TEST_CLOCK seconds. The
 * linker puts these in the place of the library's (--wrap); the monotonic clock stays. time(2) lags
 * behind the times of files by up to a tick of the kernel, seldom enough that a test would miss it:
 * here it lags by a second, always. */
#include "config.h"

#include <stdlib.h>
#include <time.h>

time_t __real_time(time_t *out);
int __real_clock_gettime(clockid_t clock, struct timespec *out);
time_t __wrap_time(time_t *out);
int __wrap_clock_gettime(clockid_t clock, struct timespec *out);

static long shift(void)
{
    const char *text = getenv("ONEHOP_TEST_CLOCK");
    return text ? strtol(text, NULL, 10) : 0;
}

time_t __wrap_time(time_t *out)
{
    time_t now = __real_time(NULL) - 1 + shift();
    if (out)
        *out = now;
    return now;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
    int result = __real_clock_gettime(clock, out);
    if (result == 0 && clock == CLOCK_REALTIME)
        out->tv_sec += shift();
    return result;
}
