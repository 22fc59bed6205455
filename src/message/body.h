/* The body on its way through: line ends settled line by line, stray CR to space, NUL dropped,
 * lines broken at 998 octets, CRLF at the very end. Constant memory, at the speed of memchr. */
#ifndef BODY_H
#define BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/output.h"
#include "message/source.h"

/* The state between two pieces; zeroed memory is the start of a body. */
struct body {
    bool pending_cr; /* a CR was seen: what follows decides whether it was part of a line end */
    size_t column;   /* octets written on this line */
    bool has_8bit;
    uint64_t written; /* octets */
};

/* Converts LEN octets of DATA. */
bool body_add(struct body *body, const char *data, size_t len, struct output *out,
              struct error *err);

/* Ends the last line if it is not. An empty body stays empty. */
bool body_end(struct body *body, struct output *out, struct error *err);

/* Both, for everything that is left in SRC. */
bool body_copy(struct body *body, struct source *src, struct output *out, struct error *err);

#endif
