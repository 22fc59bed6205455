/* The other side of SMTP (RFC 5321): a small, strict server over a stream, for programs
 * that want to hand mail over in a dialogue. It knows no configuration and no spool: whom
 * to serve and what to do with a message is its handler's to say. PIPELINING (RFC 2920), CHUNKING
 * (RFC 3030), SIZE (RFC 1870), 8BITMIME (RFC 6152), SMTPUTF8 (RFC 6531), DSN (RFC 3461),
 * ENHANCEDSTATUSCODES (RFC 2034), STARTTLS (RFC 3207), AUTH (RFC 4954).
 *
 * A message ends at CRLF "." CRLF and nowhere else; a command ends in CRLF (but see `lenient`). A
 * client that speaks before it is asked, breaks a line, or sends HTTP is disconnected.
 * Everything has a limit. A message is answered with what the handler says, and only when all of it
 * has come. */
#ifndef SERVER_H
#define SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "message/envelope.h"
#include "message/source.h"
#include "net/stream.h"

enum {
    SERVER_LINE_MAX = 8192,         /* octets of a command, line end included */
    SERVER_LINE_SKIP = 64 * 1024,   /* of one that is too long, before it is hung up on */
    SERVER_RECIPIENTS_MAX = 10000,  /* of one message */
    SERVER_ERRORS_MAX = 20,         /* bad commands of one session */
    SERVER_COMMANDS_MAX = 200,      /* commands since the last message, RCPT aside */
    SERVER_BLOCK = 64 * 1024,       /* octets of content that one deadline is given for */
    SERVER_DRAIN_MAX = 1024 * 1024, /* octets read of a message that is refused, above the limit */
    SERVER_LOGINS_MAX = 3,          /* logins of one session that may fail */
};

/* Status of the error that reading a message above the limit ends in. */
#define SERVER_TOO_LARGE "5.3.4"

struct server_reply {
    int code;
    char status[12]; /* enhanced status code, "" for none */
    struct str text; /* lines separated by '\n' */
};

/* Replaces what REPLY says. STATUS may be "". */
void server_reply_set(struct server_reply *reply, int code, const char *status, const char *format,
                      ...) __attribute__((format(printf, 4, 5)));

struct server_message {
    struct envelope *envelope; /* as the client gave it */
    struct source *source;     /* the content, to be read to its end */
};

struct server_handler {
    /* STARTTLS was answered: takes PLAIN over and returns the stream to go on with; NULL, PLAIN
     * closed, if there was no handshake by DEADLINE. Asked only if TLS is offered. */
    struct stream *(*secure)(void *context, struct stream *plain, int64_t deadline);
    /* True if the certificate of the stream names the client, as AS unless that is "". Asked only
     * on a stream with TLS. */
    bool (*certified)(void *context, const char *as);
    /* True if USER logs in with PASSWORD. Asked only if passwords are taken. */
    bool (*login)(void *context, const char *user, const char *password);
    /* A transaction begins: whatever was noted of the one before is void. False refuses it with
     * REPLY. */
    bool (*begin)(void *context, struct server_reply *reply);
    /* A parameter of MAIL that only the handler knows, its VALUE decoded. False: unknown. May be
     * NULL. It comes after begin(). */
    bool (*parameter)(void *context, const char *name, const char *value);
    /* Takes the message and fills REPLY. A 2xx says that it is durable; one that is given before
     * the source was read to its end, or though reading failed, is not believed. */
    void (*message)(void *context, const struct server_message *message,
                    struct server_reply *reply);
    /* With IDLE: outside a transaction, all replies written, the next command is waited for.
     * Without: it is over. May be NULL. */
    void (*wait)(void *context, bool idle);
};

struct server_params {
    const char *name;      /* this host, for the greeting */
    const char *extension; /* announced along with ours, "" for none */
    uint64_t size_max;     /* octets of a message */
    int64_t timeout;       /* milliseconds for a command, a block of content, a reply; 0: none */
    int64_t total;         /* milliseconds for all of it; 0: none */
    bool offers_tls;       /* STARTTLS */
    bool secured;          /* TLS began with the connection */
    bool passwords;        /* AUTH is offered, on a stream with TLS */
    bool needs_login;      /* before MAIL */
    int64_t login_total;   /* milliseconds until then */
    bool lenient; /* standard input: LF ends a command, too, and content if CRLF ended none; a
                     client that speaks early is heard */
    const struct server_handler *handler;
    void *context;
};

/* Serves *STREAM until QUIT, end of file, or a limit. The stream stays the caller's, and is another
 * one after STARTTLS, or NULL. False if the client went or was sent away before QUIT or a clean end
 * of file. */
bool server_run(struct stream **stream, const struct server_params *params);

#endif
