/* Several transactions in flight on one connection, so that a queue does not pay a round trip for
 * each message. Each is RSET, MAIL, RCPT..., BDAT LAST with its content; the replies come in the
 * same order, and each is matched to its command, by count and by what can be said to it.
 *
 * When it is done: PIPELINING and CHUNKING are offered, and the server has accepted one transaction
 * completely, one command group at a time. At most SESSION_WINDOW_MAX transactions and
 * SESSION_WINDOW_OCTETS octets: the server may be made to hold no more.
 *
 * What can go wrong: a chunk is in flight that nobody wants, because MAIL or every RCPT before it
 * was refused, or which the server did not take though it had accepted a recipient. It has to
 * discard the octets then (RFC 3030, 2). One that does not takes them for commands: it answers the
 * first line of the header with 5xx, the second as well, and so on; from then on replies and
 * commands are out of step, and what looks like the answer to a later transaction is none. So from
 * the moment a refusal is seen the rest of the window is suspect:
 *
 *   1. Nothing more is written, not even what is queued. Transactions that had not left completely
 *      are untried.
 *   2. The refused one itself counts: everything up to its refusal was in step. Its BDAT has to be
 *      refused, 4xx or 5xx.
 *   3. Each later one begins with RSET, and RSET has to be answered 250. It could not if the line
 *      before it had been one of a header, since no content goes this way that begins like a
 *      command. (Without RSET a sane server, too, would get out of step: the refused transaction
 *      may still be open, and the next MAIL is then refused as nested.)
 *   4. Then MAIL and each RCPT have to be answered with 2xx, 4xx or 5xx, no RCPT with 2xx where
 *      MAIL was refused, and BDAT with 2xx only where a recipient was accepted.
 *   5. If all of that fits, the results count: servers that discard, and that is nearly all, make
 *      no duplicates out of an ordinary 550. The connection is ended all the same.
 *   6. At the first reply that does not fit, at the end of the connection, at a reply that does not
 *      come: this one and all later ones are untried, neither sent nor refused. If it was the one
 *      to RSET that did not fit, the server does not discard, and CHUNKING hurts.
 *
 *
 * A server that refuses RSET and MAIL behind a content that was fine takes nothing from there on
 * until it has answered: that transaction and all later ones are untried, and the next connection
 * sends one at a time.
 *
 * Otherwise a reply that can't be ends the connection, and with it the transaction that it
 * was to answer, as account failure; the later ones are untried. */
#include "config.h"
#include "smtp/pipeline.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"

static struct transaction *oldest(const struct session *session)
{
    return &session->window[session->window_at];
}

/* Some servers look at four letters and no further. */
static bool begins_like_a_command(const struct content *content)
{
    struct content_cursor start = {.content = content};
    char text[4];
    size_t len;
    struct error ignored; /* found again by session_send() */
    static const char verbs[][5] = {"HELO", "EHLO", "LHLO", "MAIL", "RCPT", "DATA", "BDAT", "RSET",
                                    "NOOP", "QUIT", "VRFY", "EXPN", "HELP", "AUTH", "STAR", "ETRN",
                                    "TURN", "ATRN", "SEND", "SOML", "SAML", "XCLI", "XFOR", "BURL"};
    if (!content_read(&start, text, sizeof text, &len, &ignored) || len < sizeof text)
        return true;
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strncasecmp(text, verbs[i], sizeof text) == 0)
            return true;
    return false;
}

static size_t weight_of(const struct session_mail *mail)
{
    size_t n = (size_t)mail->content->size;
    for (size_t i = 0; i < mail->env->n; i++)
        n += strlen(mail->env->rcpt[i].address);
    return n;
}

/* Else by DATA: pipeline.c. */
static bool by_chunks(const struct session *session)
{
    return session->params->chunking && session->capabilities.chunking;
}

/* One transaction can be for all of its recipients. */
static bool fits_limits(const struct session *session, const struct session_mail *mail)
{
    size_t most = limits_recipients(session);
    return (most == 0 || mail->env->n <= most) && !session_is_spent(session, NULL) &&
           limits_allow_all(session, mail->env);
}

enum session_room session_room(const struct session *session, const struct session_mail *mail)
{
    const struct session_params *params = session->params;
    bool chunks = by_chunks(session);
    if (!params->streaming || params->lmtp || !session->verified ||
        !session->capabilities.pipelining || session->suspect || session->wire.broken ||
        (mail->content->has_8bit && !session->capabilities.eightbit) ||
        mail->env->n > SESSION_WINDOW_RECIPIENTS || !fits_limits(session, mail) ||
        (chunks && mail->content->size > SESSION_INLINE_MAX))
        return SESSION_ROOM_NEVER;
    if (session->in_flight == 0)
        return SESSION_ROOM;
    if (!chunks)
        return session->in_flight > 1 ? SESSION_ROOM_LATER : SESSION_ROOM;
    bool full = session->in_flight == SESSION_WINDOW_MAX ||
                session->octets_in_flight + weight_of(mail) > SESSION_WINDOW_OCTETS;
    return full ? SESSION_ROOM_LATER : SESSION_ROOM;
}

/* Queues all of it behind the others, or nothing. */
static bool queue(struct transaction *t)
{
    struct wire *wire = t->wire;
    struct error ignored; /* found again by session_send() */
    if ((t->chunked && begins_like_a_command(t->content)) || !transaction_prepare(t, &ignored) ||
        t->n == 0)
        return false;
    wire_make_room(wire);
    size_t len = wire->out.len, due = wire->due, contents = wire->contents;
    if (transaction_queue(t, &ignored)) {
        if (!t->chunked && t->session->in_flight > 0)
            pipeline_hold(t, len, due);
        return true;
    }
    str_truncate(&wire->out, len);
    wire->due = due;
    wire->contents = contents;
    return false;
}

bool session_push(struct session *session, const struct session_mail *mail)
{
    struct error ignored; /* session_send() will say so */
    assert(session_room(session, mail) == SESSION_ROOM);
    if (session->in_flight == 0 && !wire_begin(&session->wire, COMMAND_MAIL, &ignored))
        return false;
    if (!session->window)
        session->window = memory_new(SESSION_WINDOW_MAX * sizeof *session->window);
    size_t at = (session->window_at + session->in_flight) % SESSION_WINDOW_MAX;
    struct transaction *t = &session->window[at];
    *t = (struct transaction){.session = session,
                              .wire = &session->wire,
                              .env = mail->env,
                              .content = mail->content,
                              .outcomes = mail->outcomes,
                              .final = mail->final,
                              .weight = weight_of(mail),
                              .reset = true,
                              .behind = session->in_flight > 0,
                              .chunked = by_chunks(session),
                              .with_envelope = by_chunks(session)};
    if (!queue(t)) {
        transaction_end(t);
        return false;
    }
    t->end = wire_place(&session->wire);
    session->octets_in_flight += t->weight;
    session->in_flight++;
    session->unclean = true;
    return true;
}

/* Rule 1. */
static void suspect_rest(struct session *session)
{
    session->suspect = true;
    wire_wipe(&session->wire);
}

static bool has_left(const struct transaction *t)
{
    return t->end <= t->wire->written;
}

static bool take_envelope(struct transaction *t, struct error *err)
{
    if (!transaction_take_mail(t, err))
        return false;
    if (t->mail_refused)
        suspect_rest(t->session);
    for (size_t k = 0; k < t->n; k++)
        if (!transaction_take_rcpt(t, k, err) ||
            (t->mail_refused && t->wire->reply.code / 100 == 2 && !wire_unexpected(t->wire, err)))
            return false;
    if (t->accepted == 0)
        suspect_rest(t->session);
    return true;
}

/* The chunk that nobody wants: rule 2. */
static bool take_rejection(struct transaction *t, struct error *err)
{
    if (!has_left(t))
        return wire_unexpected(t->wire, err); /* its reply will never come */
    t->wire->command = COMMAND_CONTENT;
    if (!wire_reply(t->wire, t->session->params->timeout_final, err))
        return false;
    int class = t->wire->reply.code / 100;
    if (class == 4 || class == 5)
        return true;
    t->session->chunking_hurt = true;
    return wire_unexpected(t->wire, err);
}

static bool take_reset(struct transaction *t, struct error *err)
{
    if (transaction_take_reset(t, err))
        return true;
    const struct reply *reply = &t->wire->reply;
    t->session->chunking_hurt = t->session->suspect && reply->complete && reply->code != 421;
    return false;
}

/* True: it ended, one way or the other, and *FAILED and ERR say as session_send() does. False: the
 * connection is over, ERR says how, and of its content nothing is known. */
static bool take_whole(struct transaction *t, bool *failed, struct error *err)
{
    *failed = false;
    if (!take_reset(t, err) || !take_envelope(t, err))
        return false;
    if (t->accepted == 0 && !take_rejection(t, err))
        return false;
    if (t->accepted > 0 && !transaction_take_content(t, err)) {
        if (t->wire->broken)
            return false;
        *failed = true;
        suspect_rest(t->session);
    }
    return true;
}

/* Refused as a whole, before the connection ended. */
static bool is_refused(const struct transaction *t)
{
    if (t->mail_refused)
        return true;
    for (size_t k = 0; k < t->n; k++)
        if (t->state[k] != RCPT_REFUSED && t->state[k] != RCPT_DEFERRED)
            return false;
    return true;
}

static void forget(struct transaction *t)
{
    t->wire->broken = true;
    for (size_t k = 0; k < t->n; k++)
        outcome_clear(&t->outcomes[t->index[k]], 1);
}

static enum session_pulled pull(struct transaction *t, struct error *err)
{
    struct session *session = t->session;
    bool was_suspect = session->suspect, failed;
    struct error why;
    if (t->wire->broken || (was_suspect && !has_left(t)))
        return SESSION_UNTRIED;
    bool whole = take_whole(t, &failed, &why);
    bool lost = (!whole || failed) && t->accepted > 0 && transaction_is_bdat_refused(t, &why);
    session->bdat_refused = session->bdat_refused || lost;
    bool refused_behind = session->streaming_refused && t->wire->reply.complete;
    if (lost || refused_behind || (!whole && was_suspect))
        return SESSION_UNTRIED;
    bool refused = t->accepted == 0 && is_refused(t);
    if (refused && t->mail_refused) {
        *err = t->refusal;
        return SESSION_FAILED;
    }
    if (refused || (whole && !failed))
        return SESSION_ENDED;
    *err = why;
    return SESSION_FAILED;
}

enum session_pulled session_pull(struct session *session, struct error *err)
{
    assert(session->in_flight > 0);
    struct transaction *t = oldest(session);
    struct transaction *next = session->in_flight > 1
                                   ? &session->window[(session->window_at + 1) % SESSION_WINDOW_MAX]
                                   : NULL;
    enum session_pulled pulled = t->chunked ? pull(t, err) : pipeline_pull(t, next, err);
    if (pulled == SESSION_UNTRIED)
        forget(t);
    session->octets_in_flight -= t->weight;
    session->window_at = (session->window_at + 1) % SESSION_WINDOW_MAX;
    session->in_flight--;
    transaction_end(t);
    if (session->suspect && session->in_flight == 0)
        session->wire.broken = true;
    session->unclean = session->unclean || session->in_flight > 0;
    return pulled;
}

void window_clear(struct session *session)
{
    for (; session->in_flight > 0; session->in_flight--) {
        transaction_end(oldest(session));
        session->window_at = (session->window_at + 1) % SESSION_WINDOW_MAX;
    }
    free(session->window);
    session->window = NULL;
}
