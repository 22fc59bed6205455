/* JSON (RFC 8259). */
#ifndef JSON_H
#define JSON_H

#include <stdio.h>

/* A string. What is not UTF-8 becomes '?'. */
void json_print_text(FILE *out, const char *text);

/* The next member of an object: `, "NAME": "TEXT"`. */
void json_print_member(FILE *out, const char *name, const char *text);

#endif
