#include "config.h"
#include "net/pair.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/translation.h"

struct pair {
    struct stream stream;
    int in, out;
};

static bool is_ready(int fd, short event)
{
    struct pollfd poll_one = {.fd = fd, .events = event};
    return poll(&poll_one, 1, 0) > 0;
}

static ssize_t again_or_failed(const char *what, struct error *err)
{
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
        return STREAM_AGAIN;
    (void)error_system(err, EX_IOERR, "%s", what);
    return STREAM_FAILED;
}

static ssize_t pair_read(struct stream *s, void *buffer, size_t len, struct error *err)
{
    const struct pair *pair = (const struct pair *)s;
    if (!is_ready(pair->in, POLLIN))
        return STREAM_AGAIN;
    ssize_t n = read(pair->in, buffer, len);
    return n >= 0 ? n : again_or_failed(N_("cannot read standard input"), err);
}

/* A pipe that can be written to takes PIPE_BUF octets without waiting. */
static ssize_t pair_write(struct stream *s, const void *data, size_t len, struct error *err)
{
    const struct pair *pair = (const struct pair *)s;
    if (!is_ready(pair->out, POLLOUT))
        return STREAM_AGAIN;
    ssize_t n = write(pair->out, data, len < PIPE_BUF ? len : PIPE_BUF);
    return n >= 0 ? n : again_or_failed(N_("cannot write to standard output"), err);
}

static int pair_wait(struct stream *s, int want, int64_t deadline, struct error *err)
{
    const struct pair *pair = (const struct pair *)s;
    struct pollfd fds[2] = {
        {.fd = want & STREAM_READ ? pair->in : -1, .events = POLLIN},
        {.fd = want & STREAM_WRITE ? pair->out : -1, .events = POLLOUT},
    };
    for (;;) {
        int ready = poll(fds, 2, clock_poll_timeout(deadline));
        if (ready == 0)
            return 0;
        if (ready > 0)
            return (fds[0].revents ? STREAM_READ : 0) | (fds[1].revents ? STREAM_WRITE : 0);
        if (errno != EINTR) {
            (void)error_system(err, EX_OSERR, "cannot wait for standard input");
            return STREAM_FAILED;
        }
    }
}

static int pair_descriptor(struct stream *s)
{
    return ((const struct pair *)s)->in;
}

static void pair_close(struct stream *s)
{
    free(s);
}

static const struct stream_ops pair_ops = {
    .read = pair_read,
    .write = pair_write,
    .wait = pair_wait,
    .descriptor = pair_descriptor,
    .close = pair_close,
};

struct stream *pair_stream(int in, int out)
{
    struct pair *pair = memory_new(sizeof *pair);
    *pair = (struct pair){.stream = {&pair_ops}, .in = in, .out = out};
    return &pair->stream;
}
