/* SMTP replies (RFC 5321, 4.2) from a server that is not trusted: read octet by octet, bounded. */
#ifndef REPLY_H
#define REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/str.h"

enum {
    REPLY_TEXT_MAX = 8192,        /* octets of text kept; the rest is read and forgotten */
    REPLY_TOTAL_MAX = 512 * 1024, /* octets of one reply, kept or not; more is a protocol error */
};

struct reply {
    int code;        /* 200..599, 0 until the first line is complete */
    char status[12]; /* enhanced status code of the first line that has one, matching the class */
    struct str text; /* lines without codes and line ends, separated by '\n', controls made '?' */
    size_t total;
    bool complete;
    struct str line; /* the line being read */
};

/* Takes octets from DATA until the reply is complete; *USED is how many. False: malformed (no
 * code, a code that changes between lines, a bad separator) or too much: EX_PROTOCOL. */
bool reply_add(struct reply *reply, const char *data, size_t len, size_t *used, struct error *err);

/* Appends the reply as it came, lines "250-text" separated by '\n'. */
void reply_print(const struct reply *reply, struct str *out);

/* Forgets the reply for the next one to come, and keeps the memory. */
void reply_begin(struct reply *reply);

void reply_clear(struct reply *reply);

#endif
