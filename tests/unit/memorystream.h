/* What the streams of tests have in common that live in memory. */
#ifndef MEMORYSTREAM_H
#define MEMORYSTREAM_H

#include "net/stream.h"

/* Ready for whatever is wanted. */
static inline int memorystream_wait(struct stream *s, int want, int64_t deadline, struct error *err)
{
    (void)s, (void)deadline, (void)err;
    return want;
}

static inline int memorystream_descriptor(struct stream *s)
{
    (void)s;
    return -1;
}

/* The test keeps what the stream holds. */
static inline void memorystream_close(struct stream *s)
{
    (void)s;
}

#endif
