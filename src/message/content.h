/* The content of a message in the form it leaves: header, blank line, body; every line ends in
 * CRLF and has at most 998 octets before it; no NUL, no stray CR. Held in memory up to
 * CONTENT_MEMORY_MAX octets, then in an unlinked temporary file, or, later, in a spool entry. */
#ifndef CONTENT_H
#define CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/output.h"
#include "base/str.h"

enum {
    CONTENT_MEMORY_MAX = 1024 * 1024,
    CONTENT_LINE_MAX = 998,
    CONTENT_FIELD_WITHIN = 8 * 1024, /* octets */
};

/* What can be read back. Zeroed memory is the empty content. */
struct content {
    struct str memory; /* used while fd is unset */
    int fd;            /* read with pread(2); valid if in_file */
    bool in_file;
    bool borrowed;   /* fd belongs to somebody else: content_clear() leaves it open */
    uint64_t offset; /* where the content starts in the file */
    uint64_t size;   /* octets, as RFC 1870 counts them: without dots that SMTP adds */
    /* Where set, gives up to *LEN octets, which becomes how many: one after the other, from the
     * start or an earlier place on. */
    bool (*convert)(void *context, uint64_t position, void *buffer, size_t *len, struct error *err);
    void *context;
    bool has_8bit;        /* some octet of header or body is above 127 */
    bool has_8bit_header; /* a header octet is: needs SMTPUTF8 (RFC 6531, 3.4) where announced */
};

/* Collects octets into a content. */
struct content_writer {
    struct output output; /* first: a writer is an output */
    struct content *content;
    const char *directory; /* for the temporary file */
};

/* Makes WRITER write into CONTENT, which must be empty. DIRECTORY ($TMPDIR, /tmp) is used, as an
 * O_TMPFILE or a file unlinked at once, if memory does not suffice. The caller, which knows
 * header from body, sets the flags has_8bit. */
void content_write_to(struct content_writer *writer, struct content *content,
                      const char *directory);

/* A place in a content, from where it is read. */
struct content_cursor {
    const struct content *content;
    uint64_t at; /* octets from the start; may be changed between reads */
};

/* Reads up to LEN octets into BUFFER and moves the cursor behind them; *GOT is 0 only at the end. A
 * file that became shorter or cannot be read is an error, and the cursor stays: message, temporary,
 * EX_IOERR. */
bool content_read(struct content_cursor *cursor, void *buffer, size_t len, size_t *got,
                  struct error *err);

/* *LINES becomes the number of line ends: octets of the message as its caller counts them are size
 * minus this. Reads all of it. */
bool content_count_lines(const struct content *content, uint64_t *lines, struct error *err);

/* Appends the value of the first header field NAME, its lines made one, without the blanks in
 * front, if its end is within the first CONTENT_FIELD_WITHIN octets; else nothing. */
void content_add_field(const struct content *content, const char *name, struct str *out);

void content_clear(struct content *content);

#endif
