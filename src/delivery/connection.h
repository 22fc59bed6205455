/* A session with an account's provider, ready for mail: the password found, the hosts of the list
 * tried in order, TLS verified, logged in. Joins config, net and smtp, which know nothing of each
 * other. An account with a Maildir instead of a provider (maildir.h) has a connection without a
 * session: mail that is sent over it is kept. */
#ifndef CONNECTION_H
#define CONNECTION_H

#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"
#include "message/content.h"
#include "message/envelope.h"
#include "message/outcome.h"
#include "config/account.h"
#include "config/password.h"
#include "smtp/session.h"

struct delivery_context;

struct connection_options {
    const struct password_sources *passwords; /* their deadline is set for each login */
    int64_t connect_timeout; /* milliseconds for one host, where that is less than the account's
                                timeout; 0: none */
    int64_t deadline;        /* a moment: by then the session is ready or has failed; 0: none */
    bool avoid_chunking;     /* see connection_chunking_hurt() */
    const struct delivery_context *delivery; /* whose processes know together which hosts are down;
                                                NULL without a queue */
    bool streaming;                          /* connection_push() will be used: see session.h */
    void (*trace)(void *context, enum trace_kind kind, const char *line, size_t len); /* or NULL */
    /* Told when a step is through ("connect", "tls", "hello", "login") or has failed (ERR not
     * NULL). DETAIL is one line or several. May be NULL. */
    void (*step)(void *context, const char *step, const char *detail, const struct error *err);
    /* Called when the password is known and before anybody is connected to, where this process
     * could drop what it needs no more. May be NULL. */
    void (*before_network)(void *context, const struct account *account);
    /* Makes the stream to HOST instead of the network: for tests. NULL: the network. */
    struct stream *(*dial)(void *context, const char *host, struct error *err);
    void *context;
};

struct connection;

/* Opens one. ACCOUNT and OPTIONS must live as long. NULL on failure: scope account, the text begins
 * with "HOST:PORT: ". The next host of the list (see host_order.h) is tried after every failure up
 * to and including the greeting, EHLO and TLS; a refused login ends it. */
struct connection *connection_open(const struct account *account,
                                   const struct connection_options *options, struct error *err);

/* True if connection_open() can ask for the password of ACCOUNT once more when the server has
 * refused it: it is a token, which ends. */
bool connection_asks_twice(const struct account *account);

/* Sends MAIL to those of its recipients that are untried, in as many transactions as the
 * server wants (452, RFC 9422), and over further connections where one has reached its limits.
 * Failures are judged (see verdict_judge()). False: something ended the attempt as a whole, and
 * untried recipients stay so. Where BDAT is offered and not known the mail goes with DATA over a
 * new connection. */
bool connection_send(struct connection *connection, const struct session_mail *mail,
                     struct error *err);

/* Several mails in flight: as session_room(), session_push() and session_pull(), but that failures
 * are judged. MAIL is the oldest in flight when it is pulled. Recipients that a 452 deferred stay
 * untried. */
enum session_room connection_room(const struct connection *connection,
                                  const struct session_mail *mail);
bool connection_push(struct connection *connection, const struct session_mail *mail);
enum session_pulled connection_pull(struct connection *connection, const struct session_mail *mail,
                                    struct error *err);

/* True if connection_send() may be called again; connection_takes(): and MAIL, whose outcomes may
 * be NULL, goes over this connection, as far as the server's LIMITS are concerned (RFC 9422). */
bool connection_usable(const struct connection *connection);
bool connection_takes(const struct connection *connection, const struct session_mail *mail);

/* True if content sent along with its envelope became unwanted on the way (see session.h): the next
 * connection to this account should avoid CHUNKING. */
bool connection_chunking_hurt(const struct connection *connection);

/* True if the server offered CHUNKING and did not know BDAT (see session.h). connection_send() has
 * sent what was refused over another connection. */
bool connection_bdat_refused(const struct connection *connection);

/* True if the server takes no transaction behind the content of another (see session.h). */
bool connection_streaming_refused(const struct connection *connection);

/* What the server announced. Borrowed. Not for an account with a Maildir. */
const struct session_capabilities *connection_capabilities(const struct connection *connection);

/* ETRN: see session_start_queue(). Not for an account with a Maildir. */
bool connection_start_queue(struct connection *connection, const char *name, struct error *err);

/* The host of the list that answered, "" for a Maildir. Borrowed. */
const char *connection_host(const struct connection *connection);

/* Where it answered, for the log: an IP address without port, the proxy's where there is one, or
 * the path of a socket or Maildir. Borrowed. */
const char *connection_address(const struct connection *connection);

/* The milliseconds that it took to open CONNECTION, for the first mail that is sent over it: 0 from
 * the second call on. */
int64_t connection_take_setup(struct connection *connection);

/* QUIT, not waited for; frees, wipes the password. NULL is allowed. */
void connection_close(struct connection *connection);

#endif
