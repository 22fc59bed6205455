#include "config.h"
#include "base/renameat2.h"

#include <sys/syscall.h>
#include <unistd.h>

int renameat2(int old_directory, const char *old, int new_directory, const char *new,
              unsigned flags)
{
    return (int)syscall(SYS_renameat2, old_directory, old, new_directory, new, flags);
}
