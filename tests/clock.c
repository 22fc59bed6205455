/* The wall clock of the test program: what the machine says plus ONEHOP_TEST_CLOCK seconds. The
 * linker puts this in the place of the library's (--wrap); the monotonic clock stays. */
#include "config.h"

#include <stdlib.h>
#include <time.h>

int __real_clock_gettime(clockid_t clock, struct timespec *out);
int __wrap_clock_gettime(clockid_t clock, struct timespec *out);

static long shift(void)
{
    const char *text = getenv("ONEHOP_TEST_CLOCK");
    return text ? strtol(text, NULL, 10) : 0;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
    int result = __real_clock_gettime(clock, out);
    if (result == 0 && clock == CLOCK_REALTIME)
        out->tv_sec += shift();
    return result;
}
