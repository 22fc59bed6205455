/* Encoded words (RFC 2047): how text that is not ASCII is written in a header field. */
#ifndef ENCODEDWORD_H
#define ENCODEDWORD_H

#include "base/str.h"

/* Appends LEN octets of TEXT as encoded words (UTF-8, base64), each of at most 75 octets and none
 * cut inside a character, with a fold between them. Octets that are not UTF-8 are taken for
 * Latin-1; control characters become blanks. */
void encodedword_add(struct str *out, const char *text, size_t len);

#endif
