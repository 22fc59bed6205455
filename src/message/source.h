/* The message as it comes: a descriptor (or a decoder of it) read in large blocks, given out
 * line by line or in pieces of a line, so that a line of any length takes constant memory. */
#ifndef SOURCE_H
#define SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

enum { SOURCE_BUFFER = 65536 };

struct source {
    int fd;
    /* Where set, asked instead of the descriptor: up to LEN octets, 0 at the end, -1 with the error
     * filled. */
    ssize_t (*read)(void *context, void *buffer, size_t len, struct error *err);
    void *context;
    bool lone_dot_ends; /* a line of one '.' is the end (a terminal, without -i) */
    bool ended;
    bool in_line;      /* buffer[0] is not the start of a line */
    size_t start, end; /* what is unread in buffer */
    char *buffer;      /* SOURCE_BUFFER octets, allocated at the first read */
};

/* Gives *DATA, *LEN: the rest of the current line up to and including '\n', or as much of it as
 * fits the buffer (no '\n' at its end then, and the next call goes on with the same line). At end
 * of file *LEN is 0. The memory is valid until the next call. A read error: message, temporary,
 * EX_IOERR. EINTR is retried. */
bool source_piece(struct source *src, const char **data, size_t *len, struct error *err);

/* Gives a whole block for bulk copying: everything that is buffered, or the next read. Not for use
 * with lone_dot_ends. *LEN 0 at end of file. */
bool source_block(struct source *src, const char **data, size_t *len, struct error *err);

/* Gives back the last LEN octets of what the last call handed out: they come again. */
void source_unread(struct source *src, size_t len);

void source_clear(struct source *src); /* frees; does not close fd */

#endif
