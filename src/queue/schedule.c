#include "config.h"
#include "queue/schedule.h"

#include <stddef.h>

static const int64_t minutes[] = {1, 5, 15, 30, 60, 120, 240};

enum { STEPS = sizeof minutes / sizeof *minutes };

int64_t schedule_interval(unsigned attempts, uint64_t random)
{
    size_t step = attempts == 0 ? 0 : attempts - 1;
    int64_t seconds = 60 * minutes[step < STEPS ? step : STEPS - 1];
    return seconds - seconds / 4 + (int64_t)(random % (uint64_t)(seconds / 2 + 1));
}

int64_t schedule_longest(void)
{
    return 60 * minutes[STEPS - 1] * 5 / 4;
}

bool schedule_due(int64_t next, int64_t now)
{
    return next <= now || next - now > schedule_longest();
}
