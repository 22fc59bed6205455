/* What the parts of a server session share; for the files of this folder only. Each calls those
 * before it: serverwire.c (lines in, replies out), servercontent.c (DATA and BDAT), serverpath.c
 * (addresses and parameters), serverlogin.c (STARTTLS and AUTH), server.c (the other commands). */
#ifndef SERVERSTATE_H
#define SERVERSTATE_H

#include "smtpd/server.h"

enum server_content { CONTENT_NONE, CONTENT_DATA, CONTENT_CHUNK };

enum dots_state { DOTS_START, DOTS_DOT, DOTS_DOT_CR, DOTS_TEXT, DOTS_CR, DOTS_END };

struct server {
    struct stream *stream;
    const struct server_params *params;
    int64_t end;   /* moment by which all must be over */
    bool gone;     /* nothing more is read or written */
    bool at_end;   /* the client has closed its side */
    bool finished; /* by QUIT, or between commands by end of file */
    char in[16384];
    size_t in_at, in_end;
    struct str out;
    struct str line; /* the command being looked at */
    bool bare_lf;    /* lenient, and every command so far ended in LF without CR */
    bool again;      /* it is still to be obeyed: it was read in the midst of a message */

    bool secured;     /* the stream has TLS */
    bool certified;   /* and its certificate names the client */
    bool logged_in;   /* by AUTH */
    unsigned refused; /* logins */

    bool hello;    /* EHLO or HELO was said */
    bool extended; /* EHLO */
    size_t errors, commands;

    struct recipient rcpt; /* DSN parameters of the RCPT that is looked at */
    bool mail;             /* a transaction is open */
    bool utf8;
    struct envelope envelope;

    enum server_content content;
    enum dots_state dots;
    uint64_t chunk_left; /* octets of this chunk not yet read */
    bool chunk_last;
    bool content_ended; /* all of it was read */
    uint64_t content_size;
    uint64_t deadline_size; /* of it, when the deadline was set */
    int64_t deadline;
};

enum server_line { LINE_COMMAND, LINE_BAD, LINE_TOO_LONG, LINE_NONE };

/* True if the first word of TEXT is WORD, in any case. */
bool serverwire_begins(const char *text, const char *word);

/* Reads the next command into server->line. Bad ones have control characters; NONE is the end. */
enum server_line serverwire_line(struct server *server);

/* Reads more into the empty buffer, after writing what is to be said. False: the client is gone, or
 * DEADLINE has passed. */
bool serverwire_fill(struct server *server, int64_t deadline);

/* True if something was read that is not obeyed yet, or could be read without waiting. */
bool serverwire_has_input(struct server *server);

void serverwire_say(struct server *server, const struct server_reply *reply);
void serverwire_sayf(struct server *server, int code, const char *status, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
bool serverwire_flush(struct server *server);

/* Says TEXT, which counts as an error of the client if CODE is permanent. Returns false. */
bool serverwire_refuse(struct server *server, int code, const char *status, const char *text);

/* Writes what is to be said and ends the session. */
void serverwire_hang_up(struct server *server);

/* Ends the session of a client that spoke too early. Returns false. */
bool serverwire_refuse_early(struct server *server);

/* What answers change may not be written before they came (RFC 2920, 3.1): false, and the session
 * is over, if more was read than the present command. */
bool serverwire_is_last(struct server *server);
int64_t serverwire_deadline(const struct server *server);

/* Hands the content of DATA, or of the first BDAT, to the handler and says what it answers. */
void servercontent_data(struct server *server);
void servercontent_chunk(struct server *server, uint64_t size, bool last);

/* Reads and drops a chunk that cannot be taken. */
void servercontent_skip(struct server *server, uint64_t size);

/* Reads "SIZE [LAST]". */
bool servercontent_chunk_size(const char *arguments, uint64_t *size, bool *last);

/* Appends what EHLO announces of TLS and AUTH now, each behind a line end. */
void serverlogin_announce(const struct server *server, struct str *out);

/* False, and MAIL was refused: the client must log in first. */
bool serverlogin_is_done(struct server *server);

/* The client's certificate counts from now on, if it has one. */
void serverlogin_look(struct server *server);

/* STARTTLS and AUTH. */
void serverlogin_secure(struct server *server, const char *arguments);
void serverlogin_auth(struct server *server, const char *arguments);

/* Reads the path at *TEXT into ADDRESS ("" is <>) and moves *TEXT behind it. False: it is none. */
bool serverpath_read(const char **text, bool lenient, struct str *address);

/* True if ADDRESS may be in an envelope. */
bool serverpath_is_mailbox(const char *address, bool utf8);

/* Calls TAKE with each parameter (NAME in upper case) until it returns false. */
bool serverpath_parameters(struct server *server, const char *text,
                           bool (*take)(struct server *server, const char *name,
                                        const char *value));

#endif
