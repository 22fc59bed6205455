/* A body on its way into quoted-printable or base64 (RFC 2045, 6.7 and 6.8), line by line. */
#ifndef TRANSFERENCODING_H
#define TRANSFERENCODING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum encoding_form {
    ENCODING_NONE, /* as it is */
    ENCODING_QUOTED,
    ENCODING_BASE64,
    ENCODING_MEND_QUOTED, /* is quoted-printable already, but for 8-bit octets */
    ENCODING_MEND_BASE64, /* the same for base64, where a decoder ignores them */
    ENCODING_MASK,        /* is read by nobody: they become '?' */
};

struct encoder {
    enum encoding_form form;
    size_t column;           /* octets on the line that is written */
    unsigned char group[57]; /* base64: what makes one line */
    size_t grouped;
    bool line_end; /* base64: one is due before the next line, if there is one */
};

/* Appends to OUT what becomes of a line with its line end, or a part of a line. */
void encoder_add(struct encoder *encoder, const char *line, size_t len, struct str *out);

/* Ends the body and makes ENCODER fit for another one. The line end before a boundary belongs to
 * that (RFC 2046, 5.1.1): BEFORE_BOUNDARY. */
void encoder_end(struct encoder *encoder, bool before_boundary, struct str *out);

#endif
