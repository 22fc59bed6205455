#include "config.h"
#include "base/filewrite.h"

#include <errno.h>
#include <unistd.h>

bool filewrite_all(int fd, const void *data, size_t len)
{
    for (const char *at = data; len > 0;) {
        ssize_t n = write(fd, at, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

bool filewrite_sync_directory(int fd)
{
    return fsync(fd) == 0 || errno == EINVAL;
}
