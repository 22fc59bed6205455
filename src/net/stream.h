/* A two-way stream of octets that never blocks: TCP, TLS over another stream, AF_UNIX, memory.
 * Waiting is separate and always has a deadline. */
#ifndef STREAM_H
#define STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

enum { STREAM_AGAIN = -1, STREAM_FAILED = -2 }; /* else octets; read: 0 is end of file */
enum { STREAM_READ = 1, STREAM_WRITE = 2 };

struct stream;

struct stream_ops {
    ssize_t (*read)(struct stream *s, void *buffer, size_t len, struct error *err);
    /* Octets count when they have gone out through the layers below, not when they are taken: with
     * TLS, when the record they are in has left completely. What was handed over and not counted
     * must be what the next write begins with: TLS may have made records of it. Nothing leaves
     * but here. */
    ssize_t (*write)(struct stream *s, const void *data, size_t len, struct error *err);
    /* Returns which of WANT is worth trying; 0 with the error untouched if DEADLINE passed first;
     * STREAM_FAILED with the error filled. Octets that TLS holds back count as readable. */
    int (*wait)(struct stream *s, int want, int64_t deadline, struct error *err);
    int (*descriptor)(struct stream *s); /* what lies below, -1 for memory */
    void (*close)(struct stream *s);     /* frees S and what it owns; waits for nothing */
};

struct stream { /* embedded first by every kind */
    const struct stream_ops *ops;
};

ssize_t stream_read(struct stream *s, void *buffer, size_t len, struct error *err);
ssize_t stream_write(struct stream *s, const void *data, size_t len, struct error *err);
int stream_wait(struct stream *s, int want, int64_t deadline, struct error *err);

/* Writes all of DATA by DEADLINE. False: not all of it was written. */
bool stream_write_all(struct stream *s, const void *data, size_t len, int64_t deadline,
                      struct error *err);
int stream_descriptor(struct stream *s);
void stream_close(struct stream *s); /* NULL is allowed */

#endif
