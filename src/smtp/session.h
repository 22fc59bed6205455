/* An SMTP or LMTP client session (RFC 5321, RFC 2033) over a stream: knows parameters and mail; no
 * configuration, no socket, no TLS library. Greeting, EHLO, STARTTLS (RFC 3207), AUTH (RFC 4954),
 * then any number of transactions with PIPELINING (RFC 2920), CHUNKING (RFC 3030), SIZE (RFC 1870),
 * 8BITMIME (RFC 6152), SMTPUTF8 (RFC 6531), DSN (RFC 3461), ENHANCEDSTATUSCODES (RFC 2034),
 * REQUIRETLS (RFC 8689).
 *
 * It takes the fewest round trips these allow: one write for each group of commands, content of
 * SESSION_INLINE_MAX octets or less in the write of its envelope where CHUNKING is offered, QUIT
 * sent and not waited for. Reading never waits for writing.
 *
 * It believes nothing: replies are counted against commands; an octet that comes while no reply is
 * due (but a 421), a malformed or mixed reply, a reply to the content before its last octet was
 * written, is EX_PROTOCOL, and nothing was sent. A complete 250 to the content is success whatever
 * comes after. */
#ifndef SESSION_H
#define SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/binding.h"
#include "base/error.h"
#include "base/sasl.h"
#include "base/str.h"
#include "message/content.h"
#include "message/envelope.h"
#include "message/outcome.h"
#include "net/stream.h"

enum {
    SESSION_INLINE_MAX = 64 * 1024,
    SESSION_WINDOW_MAX = 32,            /* transactions in flight */
    SESSION_WINDOW_OCTETS = 256 * 1024, /* of theirs, in flight */
    SESSION_WINDOW_RECIPIENTS = 10,     /* of one of them: fewer than any server defers */
};

enum trace_kind {
    TRACE_SENT,
    TRACE_RECEIVED,
    TRACE_NOTE /* not on the wire: what was wished and is not offered */
};

struct session_params {
    const char *hello; /* argument of EHLO */
    bool lmtp;
    bool secure;      /* the stream is TLS already, or so local that it needs none */
    bool starttls;    /* STARTTLS is required */
    bool require_tls; /* each MAIL carries REQUIRETLS: see session_takes_requiretls() */
    /* Turns the stream into a TLS one; see tls_start(). Required with starttls. */
    struct stream *(*start_tls)(void *context, struct stream *inner, int64_t deadline,
                                struct error *err);
    const struct sasl_login *login; /* NULL: none */
    /* Fills BINDING, zeroed memory, with the channel binding of the stream that start_tls made, or
     * that was TLS from the start. NULL: there is none. */
    void (*channel_binding)(void *context, struct binding *binding);
    bool chunking;               /* use BDAT where offered */
    const char *mail_parameters; /* put behind those of MAIL, for a server that is known to
                                    take them; NULL: none */
    bool streaming;        /* session_push() will be called: session_send() lets every content wait
                              for its envelope, which costs a round trip and can do no harm */
    size_t max_recipients; /* of one transaction; 0: as many as the server takes */
    int64_t timeout;       /* milliseconds per reply, handshake and command group; 0 off */
    int64_t timeout_final; /* for the reply to the content */
    int64_t deadline;      /* a moment by which the login must be through; 0: none */
    /* Called with every line of the dialogue, without its line end. Credentials come masked ("AUTH
     * PLAIN ***"), content as one line ("[1234 octets of content]"). May be NULL. */
    void (*trace)(void *context, enum trace_kind kind, const char *line, size_t len);
    void *context;
};

struct session;

/* What the server announced in its last EHLO. */
struct session_capabilities {
    bool starttls, pipelining, chunking, eightbit, smtputf8, dsn, status_codes, size, auth, etrn;
    bool requiretls;
    uint64_t size_limit;                   /* 0: none named */
    size_t mail_max, rcpt_max, domain_max; /* LIMITS (RFC 9422): transactions of a session,
                                              recipients of one, domains of a session; 0: none */
    struct str mechanisms;                 /* " PLAIN LOGIN " in upper case */
};

/* A session on STREAM, which it owns from now on. PARAMS and what it points to must live as long.
 */
struct session *session_new(struct stream *stream, const struct session_params *params);

/* Greeting, EHLO (HELO where EHLO is not known), STARTTLS, EHLO again. Here and below an error has
 * the command that was answered and the reply; what a refusal means is for verdict_judge() to say.
 * Other failures are the account's: EX_TEMPFAIL, EX_PROTOCOL, or what start_tls said; STARTTLS not
 * offered is EX_UNAVAILABLE, temporary. */
bool session_hello(struct session *session, struct error *err);

/* Logs in if params.login is set. AUTH not offered, or no mechanism in common: EX_UNAVAILABLE,
 * permanent. */
bool session_login(struct session *session, struct error *err);

const struct session_capabilities *session_capabilities(const struct session *session);

/* True if MAIL may carry REQUIRETLS (RFC 8689): the server announced it, which counts inside TLS
 * only. False: message, permanent, EX_UNAVAILABLE, 5.7.30, as for mail that requires it; only mail
 * from the null sender is sent all the same (RFC 8689, 5). */
bool session_takes_requiretls(const struct session_capabilities *capabilities, struct error *err);

/* A mail to be sent: its envelope, its content, and what becomes of it. */
struct session_mail {
    const struct envelope *env;
    const struct content *content;
    struct outcome *outcomes; /* one for each recipient of ENV */
    struct str *final; /* gets the reply to the content ("250 2.0.0 queued as 123"); NULL: not */
    /* For mail that is kept instead, of which a session knows nothing: the entry's id, and whether
     * this is not its first attempt. */
    const char *id;
    bool again;
};

/* One transaction for those of MAIL's recipients whose outcome is untried.
 * True: each of these now has an outcome, but those deferred by a 452/4.5.3, which stay untried
 * while at least one other was sent, and those beyond params.max_recipients or what the server's
 * LIMITS allow (call again, over another session where session_is_spent()). False:
 * the transaction or the connection failed as a whole; the error says how, and recipients that were
 * not refused for reasons of their own are still untried. */
bool session_send(struct session *session, const struct session_mail *mail, struct error *err);

/* Whether mail can go behind others whose replies have not come: the server offers PIPELINING and
 * has accepted a transaction completely, and the recipients are few. With CHUNKING (window.c) the
 * content is of SESSION_INLINE_MAX octets or less and does not begin like a command; without it
 * there is room for two, of which the second has only its envelope under way (pipeline.c). */
enum session_room {
    SESSION_ROOM,       /* session_push() it */
    SESSION_ROOM_LATER, /* after the next session_pull() */
    SESSION_ROOM_NEVER  /* send it the ordinary way, when nothing is in flight any more */
};
enum session_room session_room(const struct session *session, const struct session_mail *mail);

/* Queues MAIL's transaction; session_pull() writes. MAIL must stay where it is until that has
 * reported what became of it. False: it can't go this way, nothing happened, and session_send()
 * will say why. */
bool session_push(struct session *session, const struct session_mail *mail);

/* Waits for the replies to the oldest transaction in flight, of which there must be one. */
enum session_pulled {
    SESSION_ENDED,   /* as when session_send() returns true */
    SESSION_FAILED,  /* as when it returns false */
    SESSION_UNTRIED, /* the connection is over, and nothing is known of it or believed: its outcomes
                        are as they were. It may be sent again over another */
};
enum session_pulled session_pull(struct session *session, struct error *err);

/* ETRN NAME (RFC 1985), after the login: asks the server to deliver what it keeps for a host,
 * @domain or #queue. Not offered: account, permanent, EX_UNAVAILABLE. */
bool session_start_queue(struct session *session, const char *name, struct error *err);

/* True if another transaction can follow, as far as the connection goes. */
bool session_usable(const struct session *session);

/* True if the server's LIMITS allow no further transaction in this session for any recipient of
 * MAIL that is untried (all of them where MAIL has no outcomes); with MAIL NULL, for any mail. The
 * next session has room. */
bool session_is_spent(const struct session *session, const struct session_mail *mail);

/* True if a transaction ended because its content, sent with the envelope, had become unwanted by
 * the time it left (MAIL or every recipient was refused); with transactions in flight behind it,
 * only if the server did not discard it. The connection is gone; the next one to this server should
 * have params.chunking off. */
bool session_chunking_hurt(const struct session *session);

/* True if BDAT, after CHUNKING was offered and a recipient accepted, was answered as a command that
 * is not known or not possible here (500, 502, 503, 504), as behind a filter that lets the offer
 * through and not the command. That says nothing about the mail: its recipients are untried, the
 * connection is gone, and the next one should have params.chunking off. session_send() returns
 * false then, session_pull() SESSION_UNTRIED. */
bool session_bdat_refused(const struct session *session);

/* True if the server refused, or left without an answer, the commands of a transaction that came
 * with the content of the one before. RFC 2920, 3.1 allows them there; servers that guard against
 * smuggled mail take none. The connection is gone, that transaction is untried, and the next
 * connection should have params.streaming off. */
bool session_streaming_refused(const struct session *session);

/* Sends QUIT if that is possible without waiting, closes, frees. NULL is allowed. */
void session_end(struct session *session);

#endif
