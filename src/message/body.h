/* The body on its way through: line ends (any number of CRs, and LF) settled line by line, stray
 * CRs to a space, NUL dropped, lines broken at 998 octets but not inside a UTF-8 character, CRLF at
 * the very end. How the octets come in pieces changes nothing. Constant memory, at the speed of
 * memchr.
 */
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
    bool pending_cr; /* CRs were seen: what follows decides whether they belong to a line end */
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
