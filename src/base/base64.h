/* Base64 with padding (RFC 4648, section 4). */
#ifndef BASE64_H
#define BASE64_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/* Appends the encoding of LEN octets, without line ends. OUT may be a secret. */
void base64_encode(struct str *out, const void *data, size_t len);

/* Appends what TEXT encodes. False if TEXT is not base64: OUT then holds a part of it. */
bool base64_decode(struct str *out, const char *text, size_t len);

/* The same for a text in lines (RFC 7468, section 2): blanks and line ends are skipped. */
bool base64_decode_lines(struct str *out, const char *text, size_t len);

#endif
