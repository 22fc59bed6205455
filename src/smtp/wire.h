/* The two directions of a session: commands go out in groups, replies come in order. Reading never
 * waits for writing, every reply has a deadline, and nothing leaves that was not built here.
 *
 * A group: wire_begin(), wire_command() for each command, then wire_reply() once for each. What was
 * queued leaves in one write if the stream takes it. More may be queued while replies are due: see
 * window.c. Every failure breaks the wire: nothing can be sent any more. */
#ifndef WIRE_H
#define WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "net/stream.h"
#include "smtp/reply.h"
#include "smtp/session.h"

enum {
    WIRE_COMMAND_MAX = 128 * 1024, /* octets of one command; tokens are long */
    WIRE_READ_MAX = 16 * 1024,
    WIRE_CONTENTS_MAX = 32, /* contents whose replies are due at once */
};

/* A content on its way out. Places are counted from the first octet of the session, replies from
 * its first reply. */
struct wire_content {
    uint64_t first, last; /* the replies that answer it */
    uint64_t end;         /* where it ends; UINT64_MAX while more of it is to be queued */
};

struct wire {
    struct stream *stream;
    const struct session_params *params; /* for the trace */
    enum error_command command;          /* that the next reply answers */
    bool broken;
    int64_t limit;  /* a moment that no reply may pass; 0: none */
    struct str out; /* a secret; from out_at on not yet written */
    size_t out_at;
    uint64_t written; /* octets, ever */
    uint64_t came;    /* replies, ever */
    size_t due;       /* replies that have not come, of commands written or queued */
    struct wire_content content[WIRE_CONTENTS_MAX]; /* a ring, the oldest at content_at */
    size_t content_at, contents;
    uint64_t heard_at; /* what was written when `in` was read */
    bool early; /* an octet of the present reply, which is to a content, came before its end left */
    bool write_failed;
    struct error write_error;
    struct reply reply; /* the one that came last, or is coming */
    char in[WIRE_READ_MAX];
    size_t in_at, in_end;
};

/* Starts a group: no reply may be due. Whatever the server has said unasked is an error:
 * EX_TEMPFAIL for a 421 or the end of the connection, else EX_PROTOCOL. */
bool wire_begin(struct wire *wire, enum error_command command, struct error *err);

/* Queues one command, for which one reply is due. A CR, LF or control character in it, or more than
 * WIRE_COMMAND_MAX octets, is an error (message, permanent, EX_DATAERR): nothing was queued. */
bool wire_command(struct wire *wire, struct error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for a command that is not empty and has been put together already. */
bool wire_line(struct wire *wire, const struct str *line, struct error *err);

/* The same for a line of which SECRET is the end; the trace shows "***" in its place. */
bool wire_secret(struct wire *wire, const char *start, const struct str *secret, struct error *err);

/* Writes and reads until one more reply is complete: in wire->reply until the next call. SPAN
 * milliseconds (0: for ever) are given. A 421 is an error, whatever it answers. */
bool wire_reply(struct wire *wire, int64_t span, struct error *err);

/* N more replies are due without a command: the greeting, or those to the content. */
void wire_expect(struct wire *wire, size_t n);

/* The last N of the replies that are due answer a content that is queued from here on: no octet of
 * them may come before it was written to its end, which is where the second is called. */
void wire_content_begins(struct wire *wire, size_t n);
void wire_content_ends(struct wire *wire);

/* Where the next octet would be queued. */
uint64_t wire_place(const struct wire *wire);

/* Frees the room of what has been written, for a caller that queues while the rest is leaving. */
void wire_make_room(struct wire *wire);

/* The moment SPAN milliseconds from now, or the wire's limit if that is earlier. */
int64_t wire_deadline(const struct wire *wire, int64_t span);

/* Writes what is queued of the content, in SPAN milliseconds. An octet of its reply that is there
 * before is an error. */
bool wire_flush(struct wire *wire, int64_t span, struct error *err);

/* Fails with the reply in the error, and breaks the wire: for replies that can't be. */
bool wire_unexpected(struct wire *wire, struct error *err);

/* True if the server has said nothing that was not asked for, as far as it has been read. */
bool wire_is_idle(const struct wire *wire);

/* Forgets what is queued, and wipes it: after secrets, and where nothing more may be sent. */
void wire_wipe(struct wire *wire);

void wire_mark(struct wire *wire, enum trace_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

void wire_clear(struct wire *wire); /* closes the stream */

#endif
