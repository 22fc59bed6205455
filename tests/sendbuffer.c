/* The sockets of the test program hold no more than ONEHOP_TEST_SNDBUF octets of what is written,
 * as on a small machine (net.ipv4.tcp_wmem). The linker puts this in the place of connect(2). */
#include "config.h"

#include <stdlib.h>
#include <sys/socket.h>

int __real_connect(int fd, const struct sockaddr *to, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *to, socklen_t len);

int __wrap_connect(int fd, const struct sockaddr *to, socklen_t len)
{
    const char *text = getenv("ONEHOP_TEST_SNDBUF");
    int size = text ? atoi(text) : 0;
    if (size > 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    return __real_connect(fd, to, len);
}
