#include "config.h"
#include "queue/schedule.h"

#include <stddef.h>

int64_t schedule_interval(unsigned attempts, uint64_t random)
{
    static const int64_t minutes[] = {1, 5, 15, 30, 60, 120, 240};
    size_t last = sizeof minutes / sizeof *minutes - 1;
    size_t step = attempts == 0 ? 0 : attempts - 1;
    int64_t seconds = 60 * minutes[step < last ? step : last];
    return seconds - seconds / 4 + (int64_t)(random % (uint64_t)(seconds / 2 + 1));
}

bool schedule_due(int64_t next, int64_t now)
{
    return next <= now || next - now > SCHEDULE_LONGEST;
}
