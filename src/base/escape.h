/* Text made fit for a log, a terminal, a message on stderr: foreign octets shown, never obeyed by
 * whatever shows them. */
#ifndef ESCAPE_H
#define ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/* Appends TEXT. What becomes '?': control characters, C1 too; octets above 126 that form no UTF-8;
 * line and paragraph separators and what changes the direction of text; angle brackets, unless they
 * are "<>" or hold a plain address. Done twice it changes nothing. */
void escape_line(struct str *out, const char *text, size_t len);

/* The same in place, for LEN octets and the NUL behind them. Returns the new length, which is not
 * above LEN. */
size_t escape_text(char *text, size_t len);

/* True if TEXT has an octet below 32 or 127: nothing that came as an argument may. */
bool escape_has_control(const char *text);

/* True if one of LEN octets is above 127. */
bool escape_has_8bit(const char *text, size_t len);

/* True if no octet of TEXT is. */
bool escape_is_ascii(const char *text);

/* The length of the UTF-8 sequence at TEXT (1 to 4), 0 if there is none within LEN octets
 * (RFC 3629: no overlong forms, no surrogates). */
size_t escape_utf8_sequence(const char *text, size_t len);

/* True if all LEN octets are UTF-8. */
bool escape_is_utf8(const char *text, size_t len);

#endif
