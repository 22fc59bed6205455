/* Strings in JSON (RFC 8259). */
#ifndef JSONTEXT_H
#define JSONTEXT_H

#include "base/str.h"

/* Appends TEXT as a JSON string. What escape_line() does not show becomes '?': it is UTF-8 and one
 * line whatever TEXT is. */
void jsontext_add(struct str *out, const char *text);

#endif
