/* One mail transaction (RFC 5321, 3.3) in its steps; for the files of this folder only:
 * transaction.c takes them one after the other, window.c has those of several under way. */
#ifndef TRANSACTION_H
#define TRANSACTION_H

#include "smtp/mailbox.h"
#include "smtp/sessionstate.h"

enum rcpt_state { RCPT_WAITING, RCPT_ACCEPTED, RCPT_DEFERRED, RCPT_REFUSED };

struct transaction {
    struct session *session;
    struct wire *wire;
    const struct envelope *env;
    const struct content *content;
    struct downgrade *downgrade; /* NULL, or what makes `converted`, which is the content then */
    struct content converted;
    struct outcome *outcomes;
    struct str *final;      /* may be NULL */
    size_t *index;          /* the recipients of this transaction */
    enum rcpt_state *state; /* of each */
    size_t n, accepted, delivered;
    struct str sender; /* as it goes onto the wire */
    struct str line;   /* the RCPT that is put together */
    struct smtputf8 utf8;
    bool reset, chunked, with_envelope;
    bool behind; /* it leaves behind a content that is not answered yet: RFC 2920, 3.1 */
    bool mail_refused, data_refused;
    bool go;              /* DATA was answered with 354 */
    struct error refusal; /* of MAIL or DATA */
    uint64_t end;         /* window.c: where it ends on the wire */
    size_t weight;        /* window.c: octets */
    struct str commands;  /* pipeline.c: not queued yet */
    size_t replies;       /* to them */
};

/* Finds out who can be asked for at all (n is 0: nobody); those who can't are refused. False: the
 * message is too large, or its sender can't be said. */
bool transaction_prepare(struct transaction *t, struct error *err);

/* Queues its commands: RSET if `reset`, MAIL, each RCPT, and DATA, or if `chunked` the content if
 * that goes `with_envelope`. On failure half of it may be queued. */
bool transaction_queue(struct transaction *t, struct error *err);

/* Each takes one reply. False: the connection failed, or the reply can't be one. A refused RSET of
 * one that went `behind` is looked into: see session_streaming_refused(). */
bool transaction_take_reset(struct transaction *t, struct error *err);
bool transaction_take_mail(struct transaction *t, struct error *err);
bool transaction_take_rcpt(struct transaction *t, size_t k, struct error *err);

bool transaction_take_data(struct transaction *t, struct error *err);

/* The reply to the content, with LMTP those. False also if the content was refused. */
bool transaction_take_content(struct transaction *t, struct error *err);

/* Whether ERR, of the content, says that the server does not know BDAT. */
bool transaction_is_bdat_refused(const struct transaction *t, const struct error *err);

/* Frees. Deferred recipients may be tried again if this transaction was sent to others; otherwise
 * the same would happen again and again, and they keep the refusal that they have. */
void transaction_end(struct transaction *t);

#endif
