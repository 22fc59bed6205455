#include "config.h"
#include "net/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/translation.h"

struct socket {
    struct stream stream;
    int fd;
};

/* Anything the system reports about a connection may be different next time. */
static ssize_t again_or_failed(const char *what, struct error *err)
{
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
        return STREAM_AGAIN;
    (void)error_system(err, EX_TEMPFAIL, "%s", what);
    return STREAM_FAILED;
}

static ssize_t socket_read(struct stream *s, void *buffer, size_t len, struct error *err)
{
    ssize_t n = recv(((struct socket *)s)->fd, buffer, len, 0);
    return n >= 0 ? n : again_or_failed(N_("cannot read from the server"), err);
}

static ssize_t socket_write(struct stream *s, const void *data, size_t len, struct error *err)
{
    ssize_t n = send(((struct socket *)s)->fd, data, len, MSG_NOSIGNAL);
    return n >= 0 ? n : again_or_failed(N_("cannot write to the server"), err);
}

static int socket_wait(struct stream *s, int want, int64_t deadline, struct error *err)
{
    struct pollfd fd = {.fd = ((struct socket *)s)->fd};
    if (want & STREAM_READ)
        fd.events |= POLLIN;
    if (want & STREAM_WRITE)
        fd.events |= POLLOUT;
    for (;;) {
        int ready = poll(&fd, 1, clock_poll_timeout(deadline));
        if (ready == 0)
            return 0;
        if (ready < 0 && errno != EINTR) {
            (void)error_system(err, EX_OSERR, "cannot wait for the server");
            return STREAM_FAILED;
        }
        if (ready < 0)
            continue;
        if (fd.revents & ~(POLLIN | POLLOUT))
            return want; /* an error: reading and writing will say which */
        return (fd.revents & POLLIN ? STREAM_READ : 0) | (fd.revents & POLLOUT ? STREAM_WRITE : 0);
    }
}

static int socket_descriptor(struct stream *s)
{
    return ((struct socket *)s)->fd;
}

static void socket_close(struct stream *s)
{
    (void)close(((struct socket *)s)->fd); /* nothing to learn: what counts was acknowledged */
    free(s);
}

static const struct stream_ops socket_ops = {
    .read = socket_read,
    .write = socket_write,
    .wait = socket_wait,
    .descriptor = socket_descriptor,
    .close = socket_close,
};

struct stream *socket_stream(int fd)
{
    struct socket *s = memory_new(sizeof *s);
    *s = (struct socket){.stream = {&socket_ops}, .fd = fd};
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0 && !(flags & O_NONBLOCK))
        (void)fcntl(fd, F_SETFL, flags | O_NONBLOCK); /* cannot fail on an open socket */
    return &s->stream;
}

/* 0 or errno. A full backlog of an AF_UNIX socket is EAGAIN, and nothing can be polled for: look
 * again after a moment. */
static int connect_unix(int fd, const struct sockaddr_un *to, int64_t deadline)
{
    for (;;) {
        if (connect(fd, (const struct sockaddr *)to, sizeof *to) == 0 || errno == EISCONN)
            return 0;
        if (errno != EAGAIN && errno != EINTR && errno != EALREADY)
            return errno;
        if (clock_poll_timeout(deadline) == 0)
            return ETIMEDOUT;
        (void)poll(NULL, 0, 5);
    }
}

bool socket_unix_address(struct sockaddr_un *address, const char *path)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address->sun_path)
        return false;
    memcpy(address->sun_path, path, strlen(path));
    return true;
}

struct stream *socket_connect_unix(const char *path, int64_t deadline, struct error *err)
{
    struct sockaddr_un to;
    if (!socket_unix_address(&to, path)) {
        (void)error_config(err, "%s: the path of a socket must be shorter than %zu octets", path,
                           sizeof to.sun_path);
        return NULL;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        (void)error_system(err, EX_OSERR, "cannot make a socket");
        return NULL;
    }
    int number = connect_unix(fd, &to, deadline);
    if (number == 0)
        return socket_stream(fd);
    (void)close(fd); /* never connected */
    errno = number;
    (void)error_system(err, EX_TEMPFAIL, "cannot connect to %s", path);
    errno = number;
    return NULL;
}
