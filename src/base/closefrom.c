#include "config.h"
#include "base/closefrom.h"

#include <sys/syscall.h>
#include <unistd.h>

void closefrom(int first)
{
    if (syscall(SYS_close_range, (unsigned)first, ~0U, 0U) == 0)
        return;
    long end = sysconf(_SC_OPEN_MAX); /* Linux before 5.9 */
    for (int fd = first; fd < end; fd++)
        (void)close(fd); /* most are not open */
}
