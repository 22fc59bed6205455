#include "config.h"
#include "net/stream.h"

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

void stream_close(struct stream *s)
{
    if (s)
        s->ops->close(s);
}
