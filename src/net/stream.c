#include "config.h"
#include "net/stream.h"

#include <sysexits.h>

ssize_t stream_read(struct stream *s, void *buffer, size_t len, struct error *err)
{
    return s->ops->read(s, buffer, len, err);
}

ssize_t stream_write(struct stream *s, const void *data, size_t len, struct error *err)
{
    return s->ops->write(s, data, len, err);
}

int stream_wait(struct stream *s, int want, int64_t deadline, struct error *err)
{
    return s->ops->wait(s, want, deadline, err);
}

int stream_descriptor(struct stream *s)
{
    return s->ops->descriptor(s);
}

bool stream_write_all(struct stream *s, const void *data, size_t len, int64_t deadline,
                      struct error *err)
{
    const char *at = data;
    while (len > 0) {
        ssize_t n = stream_write(s, at, len, err);
        if (n == STREAM_AGAIN) {
            int ready = stream_wait(s, STREAM_WRITE, deadline, err);
            if (ready == 0)
                return error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL,
                                 "the other side took too long to read");
            n = ready < 0 ? STREAM_FAILED : 0;
        }
        if (n == STREAM_FAILED)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

void stream_close(struct stream *s)
{
    if (s)
        s->ops->close(s);
}
