/* A stream that plays a server by the book: for each step it wants exactly the octets written, in
 * one write unless told otherwise, and then has something to read. It never waits: nothing more to
 * come is a deadline that has passed. */
#ifndef SCRIPT_H
#define SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "net/stream.h"

struct script_step {
    const char *write; /* NULL: nothing has to be written */
    const char *read;  /* NULL: nothing comes */
    size_t early; /* not 0: `read` comes when so much has been written, and before the rest is */
    bool end;     /* the server closes after `read` */
};

struct script {
    struct stream stream;
    const struct script_step *step;
    size_t n, at;
    size_t piece; /* not 0: no write takes more than this */
    size_t written, given;
    bool held, ended, closed;
    struct str in;
    struct str complaint; /* what was written against the book */
};

/* N steps, which must live as long as the stream. */
void script_start(struct script *script, const struct script_step *step, size_t n);

/* True if every step was played, nothing else was written, and the stream is closed. */
bool script_played(const struct script *script);

void script_clear(struct script *script);

#endif
