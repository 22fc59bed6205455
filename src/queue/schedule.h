/* When to try again. Pure: time and chance are handed in. Times are seconds since 1970 of a clock
 * that may be set back or forward at any moment; no entry may sleep for a year because of that. */
#ifndef SCHEDULE_H
#define SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

/* Seconds to wait after the ATTEMPTSth failure (1 is the first): 1, 5, 15, 30, 60, 120, then 240
 * minutes, each up to a quarter shorter or longer by RANDOM. */
int64_t schedule_interval(unsigned attempts, uint64_t random);

/* The longest of these, in seconds. */
int64_t schedule_longest(void);

/* True if what was planned for NEXT is to be tried NOW: it has come, or lies further away than any
 * plan of ours, which means that the clock was set. */
bool schedule_due(int64_t next, int64_t now);

#endif
