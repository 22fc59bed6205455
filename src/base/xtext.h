/* xtext (RFC 3461, 4): any text as printable ASCII without blanks, '+' and '='. */
#ifndef XTEXT_H
#define XTEXT_H

#include <stdbool.h>

#include "base/str.h"

/* Appends TEXT, encoded. */
void xtext_add(struct str *out, const char *text);

/* Appends what TEXT encodes. False: it is not xtext, or a control character is in it; a part may
 * have been appended. */
bool xtext_decode(struct str *out, const char *text);

#endif
