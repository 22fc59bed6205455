/* Base64 with padding and without line breaks (RFC 4648, section 4). */
#ifndef BASE64_H
#define BASE64_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/* Appends the encoding of LEN octets. OUT may be a secret. */
void base64_encode(struct str *out, const void *data, size_t len);

/* Appends what TEXT encodes. False if TEXT is not base64: OUT then holds a part of it. */
bool base64_decode(struct str *out, const char *text, size_t len);

#endif
