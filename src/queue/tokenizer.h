/* One token of a spool file: any text without NUL, made free of blanks, line ends and control
 * characters, so that a line can be split at its blanks. '%', blanks and controls are written as
 * %XX, the empty text as "-", and the text "-" as "%2D". Octets above 127 stay as they are. */
#ifndef TOKENIZER_H
#define TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* Appends TEXT as a token. NULL counts as "". */
void tokenizer_add(struct str *out, const char *text);

/* Appends TEXT as a file name: digits, letters, '_' and '-' as they are, the rest as %XX, and names
 * that would be longer than TOKENIZER_NAME_MAX as the hash of themselves. */
enum { TOKENIZER_NAME_MAX = 120 };
void tokenizer_add_name(struct str *out, const char *text);

/* The rest of a line that is being split. */
struct tokenizer {
    const char *at, *end;
};

/* Ends the line that OUT has from START on with its checksum: " sum 0123456789abcdef" and a line
 * end. */
void tokenizer_seal(struct str *out, size_t start);

/* Begins with the first line of DATA, without its seal. False: it has none, or a wrong one. */
bool tokenizer_open(struct tokenizer *tokens, const char *data, size_t len);

/* Takes the next token, decoded, to be freed by the caller. NULL if there is none, or if it is not
 * what tokenizer_add() writes. */
char *tokenizer_next(struct tokenizer *tokens);

/* Takes the next token as a number without sign: decimal or hexadecimal, nothing before or after
 * it, not above LIMIT. */
bool tokenizer_decimal(struct tokenizer *tokens, uint64_t limit, uint64_t *number);
bool tokenizer_hex(struct tokenizer *tokens, uint64_t *number);

/* The same for a time in seconds since 1970. A sum of two of them does not overflow. */
#define TOKENIZER_TIME_MAX (INT64_MAX / 4)
bool tokenizer_time(struct tokenizer *tokens, int64_t *time);

/* True if the next token is TEXT, which is then taken. */
bool tokenizer_is(struct tokenizer *tokens, const char *text);

/* True if the line is used up. */
bool tokenizer_end(const struct tokenizer *tokens);

#endif
