/* The header of a message (RFC 5322, 2.2): an ordered list of fields, read from a caller, changed,
 * and written in the form it leaves. The only part of a message that is held in memory. */
#ifndef HEADER_H
#define HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/output.h"
#include "base/str.h"
#include "message/address.h"
#include "message/source.h"

enum {
    HEADER_MAX = 16 * 1024 * 1024, /* octets of a whole header */
    HEADER_NAME_MAX = 256,         /* octets of a field name; what is longer is text */
    HEADER_UNKNOWN_MAX =
        2 * 1024 * 1024, /* octets of fields nobody knows before it is text after all */
};

struct content;

struct field {
    char *name;  /* as written, without the colon and blanks before it */
    char *value; /* everything behind the colon, lines separated by '\n' (a folded line begins with
                    its blank, and is not all blanks), without the last line end; no CR, no NUL */
};

struct header {
    struct field *field;
    size_t n;
    size_t size;
    bool absent;     /* there was no header at all: the source is at the first line of the text,
                        and a header and a blank line must be made */
    struct str text; /* what was read too far, as it came (line ends not settled): it comes before
                        the rest of the source */
};

/* Reads the header and the blank line behind it. Line ends are CRs and LF, in any mixture; CRs
 * inside a line become a space, NULs go. Leading mbox lines ("From x", and the ">From x" that each
 * UUCP hop added) are dropped, a byte order mark before everything too, header or not. A first line
 * that is no field, or a block of fields none of which is known from RFC 5322, MIME, or begins with
 * X- (`error: disk full`), means that there is no header: then no line was dropped, and what was
 * read is in `text`. A line in the midst that is neither a field nor a continuation ends the header
 * as if a blank line stood before it. Empty input is an empty header with `absent` set. Larger than
 * HEADER_MAX: message, permanent, EX_DATAERR. */
bool header_read(struct header *header, struct source *src, struct error *err);

/* The same for the header of CONTENT, from its start; *REST is where the body begins. */
bool header_read_content(struct header *header, const struct content *content, uint64_t *rest,
                         struct error *err);

/* Whether a field's name is WANTED; case is ignored. */
bool header_is_name(const char *name, const char *wanted);

/* The same for N names, of which those that end in '-' mean all that begin so. */
bool header_is_one_of(const char *name, const char *const *wanted, size_t n);

/* The first field of that name (case is ignored) from index FROM on; h->n if there is none. */
size_t header_find(const struct header *header, const char *name, size_t from);

/* The value of the first field of that name, NULL if there is none. Borrowed. */
const char *header_value(const struct header *header, const char *name);

/* Removes every field of that name. Returns how many. */
size_t header_remove(struct header *header, const char *name);

/* Removes the field at index AT. */
void header_drop(struct header *header, size_t at);

/* Puts a new field in front, behind (at the end), or in the place of index AT. VALUE is as in
 * struct field but for the blank behind the colon, which is added. Newlines not followed by a blank
 * in VALUE become blanks: nothing smuggles in a field. */
void header_prepend(struct header *header, const char *name, const char *value);
void header_append(struct header *header, const char *name, const char *value);
void header_replace(struct header *header, size_t at, const char *value);

/* Appends all addresses of every field of that name. */
void header_addresses(const struct header *header, const char *name, struct address_list *list);

/* True if the message was resent: some Resent-To, -Cc or -Bcc has an address (RFC 5322, 3.6.6). */
bool header_is_resent(const struct header *header);

/* Appends the addresses of -t: To, Cc, Bcc, or, if the message was resent, those of the first
 * contiguous block of Resent- fields that has any. */
void header_recipients(const struct header *header, struct address_list *list);

/* Writes the fields with CRLF line ends, lines above 998 octets broken at a blank where there is
 * one (as a fold), else at 998 (RFC 5322, 2.1.1), then the blank line. *HAS_8BIT says whether an
 * octet above 127 was written. */
bool header_write(const struct header *header, struct output *out, bool *has_8bit,
                  struct error *err);

void header_clear(struct header *header);

#endif
