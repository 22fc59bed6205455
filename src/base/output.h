/* Where octets go: memory, a file, a spool entry. The implementation embeds this first. */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct output {
    /* Takes all LEN octets or fails. */
    bool (*write)(struct output *self, const void *data, size_t len, struct error *err);
};

static inline bool output_write(struct output *out, const void *data, size_t len, struct error *err)
{
    return out->write(out, data, len, err);
}

#endif
