/* JSON (RFC 8259). */
#ifndef JSON_H
#define JSON_H

#include <stdio.h>

/* A string: see jsontext_add(). */
void json_print_text(FILE *out, const char *text);

/* The next member of an object: `, "NAME": "TEXT"`. */
void json_print_member(FILE *out, const char *name, const char *text);

#endif
