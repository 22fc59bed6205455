#include "config.h"
#include "base/random.h"

#include <sys/random.h>
#include <time.h>

uint64_t random_number(void)
{
    uint64_t number = 0;
    if (getrandom(&number, sizeof number, GRND_NONBLOCK) != sizeof number)
        number = (uint64_t)clock();
    return number;
}
