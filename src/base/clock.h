/* Time. A deadline is a moment of the monotonic clock, in milliseconds; a span is milliseconds
 * too. Waiting for one thing against one deadline is never restarted by progress. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_NEVER INT64_MAX

enum { CLOCK_TEXT_MAX = 255 };

struct str;

/* Now, in milliseconds of a clock that nobody sets. */
int64_t clock_now(void);

/* The time of day, in seconds since 1970. Never behind the time of a file that was written before
 * the call; time(2) can be: it lags by up to a tick of the kernel, file times do not (Linux 6.13).
 */
int64_t clock_wall(void);

/* The time of day in microseconds since 1970. */
int64_t clock_wall_microseconds(void);

/* Appends the moment SECONDS since 1970, in the local zone, by FORMAT (strftime(3)). False, and
 * nothing is appended: its year fits no int, or it has more than CLOCK_TEXT_MAX octets. */
bool clock_add_local(struct str *out, int64_t seconds, const char *format);

/* The moment SPAN milliseconds from now; CLOCK_NEVER for a span of 0 or less ("off"). */
int64_t clock_after(int64_t span);

/* What poll(2) takes to wait until DEADLINE: milliseconds, 0 if it has passed, -1 for never. */
int clock_poll_timeout(int64_t deadline);

#endif
