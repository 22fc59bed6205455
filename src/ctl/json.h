/* JSON (RFC 8259) on standard output. */
#ifndef JSON_H
#define JSON_H

/* A string. What is not UTF-8 becomes '?'. */
void json_print_text(const char *text);

/* The next member of an object: `, "NAME": "TEXT"`. */
void json_print_member(const char *name, const char *text);

#endif
