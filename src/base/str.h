/* A growing string of octets. Zeroed memory is the empty string; `data` may then be NULL, so read
 * it through str_text(), which never is. */
#ifndef STR_H
#define STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdarg.h>

struct str {
    char *data; /* NUL-terminated when not NULL; octets may contain NUL */
    size_t len;
    size_t size;
    bool secret; /* wiped when it moves and when it is cleared */
};

const char *str_text(const struct str *s);

void str_add(struct str *s, const char *text);
void str_add_n(struct str *s, const void *data, size_t len);
void str_add_char(struct str *s, char c);
void str_fill(struct str *s, char c, size_t n); /* appends C, N times */
void str_addf(struct str *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
void str_addv(struct str *s, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* Makes room for EXTRA octets more than there are, for reading into data + len. */
void str_reserve(struct str *s, size_t extra);

/* Makes the length LEN, which must not be above the present one. Keeps the memory. */
void str_truncate(struct str *s, size_t len);

/* Removes the first N octets. */
void str_consume(struct str *s, size_t n);

/* The text as a string of its own, to be freed by the caller; S is empty afterwards. */
char *str_take(struct str *s);

/* Frees, after wiping if it is a secret. `secret` stays as it is. May be called twice. */
void str_clear(struct str *s);

#endif
