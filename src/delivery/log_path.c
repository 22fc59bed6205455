#include "config.h"
#include "delivery/log_path.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "config/ownership.h"

/* A link is followed only where none but root or the caller can have put it: /dev/stdout is one. */
static int nofollow(const char *path)
{
    struct str directory = {0};
    struct stat facts;
    const char *slash = strrchr(path, '/');
    str_add_n(&directory, path, slash ? (size_t)(slash + 1 - path) : 0);
    bool safe = stat(slash ? str_text(&directory) : ".", &facts) == 0 &&
                (facts.st_uid == 0 || facts.st_uid == geteuid()) && !ownership_is_shared(&facts);
    str_clear(&directory);
    return safe ? 0 : O_NOFOLLOW;
}

int log_path_open(const char *path)
{
    int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | nofollow(path);
    return open(path, flags, 0600);
}

void log_path_make(const char *path)
{
    int fd = *path && access(path, F_OK) != 0 ? log_path_open(path) : -1;
    if (fd >= 0)
        (void)close(fd); /* nothing was written */
}
