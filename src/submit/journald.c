#include "config.h"
#include "submit/journald.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/escape.h"
#include "net/socket.h"

const char *journald_path(void)
{
    return "/run/systemd/journal/socket";
}

void journald_add(struct str *entry, const char *name, const char *value)
{
    str_addf(entry, "%s=", name);
    escape_line(entry, value, strlen(value));
    str_add_char(entry, '\n');
}

bool journald_send(const char *path, const struct str *entry)
{
    enum { UNKNOWN = -1, NONE = -2 };
    static int fd = UNKNOWN; /* of the process, as that of syslog(3) is */
    struct sockaddr_un address;
    if (!socket_unix_address(&address, path))
        return false;
    if (fd == UNKNOWN)
        fd = access(path, F_OK) == 0 ? socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) : NONE;
    return fd >= 0 && sendto(fd, entry->data, entry->len, MSG_NOSIGNAL,
                             (const struct sockaddr *)&address, sizeof address) >= 0;
}
