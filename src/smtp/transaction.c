#include "config.h"
#include "smtp/transaction.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/escape.h"
#include "base/memory.h"
#include "base/xtext.h"
#include "message/downgrade.h"
#include "smtp/mailbox.h"
#include "smtp/refusal.h"
#include "smtp/transfer.h"

enum { RCPT_TYPICAL = 48 }; /* octets of the command */

static bool wants_dsn(const struct envelope *env)
{
    for (size_t i = 0; i < env->n; i++)
        if (env->rcpt[i].notify || env->rcpt[i].orcpt)
            return true;
    return env->dsn_return != DSN_RETURN_UNSET || (env->envid && *env->envid);
}

/* Finds out who can be asked for at all. Those who can't are refused before MAIL. */
static bool plan(struct transaction *t, struct error *err)
{
    const char *sender = t->env->sender ? t->env->sender : "";
    t->utf8.offered = t->session->capabilities.smtputf8;
    if (!mailbox_add(&t->sender, sender, &t->utf8, ERROR_MESSAGE, err))
        return false;
    t->index = memory_new(t->env->n * sizeof *t->index);
    t->state = memory_new(t->env->n * sizeof *t->state);
    size_t most = limits_recipients(t->session);
    struct str address = {0};
    for (size_t i = 0; i < t->env->n; i++) {
        struct error why;
        str_truncate(&address, 0);
        if (t->outcomes[i].result != OUTCOME_UNTRIED)
            continue;
        if (most > 0 && t->n == most)
            break; /* the others have a transaction of their own */
        const char *rcpt = t->env->rcpt[i].address;
        if (!limits_allow_domain(t->session, rcpt))
            continue; /* in a session of its own */
        if (mailbox_add(&address, rcpt, &t->utf8, ERROR_RECIPIENT, &why)) {
            t->index[t->n++] = i;
            limits_note_domain(t->session, rcpt);
        } else {
            outcome_refuse(&t->outcomes[i], &why);
        }
    }
    str_clear(&address);
    return true;
}

static bool check_size(const struct transaction *t, struct error *err)
{
    uint64_t limit = t->session->capabilities.size_limit;
    if (limit == 0 || t->content->size <= limit)
        return true;
    return error_set(err, ERROR_MESSAGE, ERROR_PERMANENT, EX_UNAVAILABLE,
                     "the message has %" PRIu64 " octets, and the server takes %" PRIu64,
                     t->content->size, limit);
}

/* RFC 6152, 3: 8-bit content goes to a server only that says it takes it. */
static bool make_7bit(struct transaction *t, struct error *err)
{
    if (!t->content->has_8bit || t->session->capabilities.eightbit)
        return true;
    t->downgrade = downgrade_open(t->content, &t->converted, err);
    if (!t->downgrade)
        return false;
    t->content = &t->converted;
    wire_mark(t->wire, TRACE_NOTE, "the server does not offer 8BITMIME: the content is converted");
    return true;
}

static bool check_requiretls(const struct transaction *t, struct error *err)
{
    if (!t->session->params->require_tls ||
        session_takes_requiretls(&t->session->capabilities, err))
        return true;
    if (t->env->sender && *t->env->sender)
        return false;
    wire_mark(t->wire, TRACE_NOTE, "the server does not offer REQUIRETLS: a report goes without");
    return true;
}

bool transaction_prepare(struct transaction *t, struct error *err)
{
    if (!check_requiretls(t, err) || !make_7bit(t, err) || !check_size(t, err) || !plan(t, err))
        return false;
    if (t->n > 0 && wants_dsn(t->env) && !t->session->capabilities.dsn)
        wire_mark(t->wire, TRACE_NOTE, "the server does not offer DSN: the wish is left out");
    return true;
}

static bool queue_mail(struct transaction *t, struct error *err)
{
    const struct session_capabilities *capabilities = &t->session->capabilities;
    const struct envelope *env = t->env;
    struct str line = {0};
    str_addf(&line, "MAIL FROM:<%s>", str_text(&t->sender));
    if (capabilities->size)
        str_addf(&line, " SIZE=%" PRIu64, t->content->size);
    if (capabilities->eightbit && t->content->has_8bit)
        str_add(&line, " BODY=8BITMIME");
    if (t->utf8.needed)
        str_add(&line, " SMTPUTF8");
    if (t->session->params->require_tls && capabilities->requiretls)
        str_add(&line, " REQUIRETLS");
    if (capabilities->dsn && env->dsn_return != DSN_RETURN_UNSET)
        str_add(&line, env->dsn_return == DSN_RETURN_FULL ? " RET=FULL" : " RET=HDRS");
    if (capabilities->dsn && env->envid && *env->envid) {
        str_add(&line, " ENVID=");
        xtext_add(&line, env->envid);
    }
    if (t->session->params->mail_parameters)
        str_add(&line, t->session->params->mail_parameters);
    bool ok = wire_line(t->wire, &line, err);
    t->session->mails++;
    str_clear(&line);
    return ok;
}

/* RFC 3461, 4.1 and 4.2. A recipient without ORCPT gets the address itself, but not on the way to
 * the service, which may expand it. rfc822 is a type of ASCII addresses (RFC 6533, 3). */
static void add_dsn(const struct transaction *t, const struct recipient *rcpt, bool utf8,
                    struct str *line)
{
    if (rcpt->notify) {
        str_add(line, " NOTIFY=");
        dsn_add_notify(line, rcpt->notify);
    }
    if (rcpt->orcpt && (t->utf8.needed || escape_is_ascii(rcpt->orcpt))) {
        str_addf(line, " ORCPT=%s", rcpt->orcpt);
    } else if (rcpt->notify && !rcpt->orcpt && !utf8 && !t->session->params->mail_parameters) {
        str_add(line, " ORCPT=rfc822;");
        xtext_add(line, rcpt->address);
    }
}

static bool queue_rcpt(struct transaction *t, size_t k, struct error *err)
{
    const struct recipient *rcpt = &t->env->rcpt[t->index[k]];
    struct str *line = &t->line;
    struct smtputf8 utf8 = {.offered = true};
    str_truncate(line, 0);
    str_add(line, "RCPT TO:<");
    bool ok = mailbox_add(line, rcpt->address, &utf8, ERROR_RECIPIENT, err);
    str_add_char(line, '>');
    if (t->session->capabilities.dsn)
        add_dsn(t, rcpt, utf8.needed, line);
    return ok && wire_line(t->wire, line, err);
}

static bool take(struct transaction *t, enum error_command command, struct error *err)
{
    t->wire->command = command;
    return wire_reply(t->wire, t->session->params->timeout, err);
}

static bool is_refusal(const struct reply *reply)
{
    return reply->code / 100 == 4 || reply->code / 100 == 5;
}

/* A server that refuses RSET, and MAIL after it, refuses what came with the end of a content. In
 * doubt about a chunk (window.c) it may as well have answered lines of a header. */
static bool refuses_streaming(struct transaction *t)
{
    struct error ignored; /* wire_unexpected() follows */
    const struct reply *reply = &t->wire->reply;
    return t->behind && !t->session->suspect && is_refusal(reply) &&
           take(t, COMMAND_MAIL, &ignored) && is_refusal(reply);
}

bool transaction_take_reset(struct transaction *t, struct error *err)
{
    struct session *session = t->session;
    if (!take(t, COMMAND_RSET, err)) {
        session->streaming_refused |= t->behind && err->finding == FINDING_SILENT;
        return false;
    }
    if (t->wire->reply.code == 250)
        return true;
    session->streaming_refused |= refuses_streaming(t);
    return wire_unexpected(t->wire, err);
}

bool transaction_take_mail(struct transaction *t, struct error *err)
{
    if (!take(t, COMMAND_MAIL, err))
        return false;
    int class = t->wire->reply.code / 100;
    if (class == 3)
        return wire_unexpected(t->wire, err);
    t->mail_refused = class != 2;
    if (t->mail_refused)
        (void)refusal_set(&t->refusal, COMMAND_MAIL, &t->wire->reply,
                          "the server refused the sender <%s>", str_text(&t->sender));
    return true;
}

/* True for "too many recipients" (RFC 5321, 4.5.3.1.10): the others may come in a transaction of
 * their own. */
static bool is_deferral(const struct reply *reply)
{
    if (strcmp(reply->status, "4.5.3") == 0 || strcmp(reply->status, "5.5.3") == 0)
        return true;
    return reply->code == 452 && !reply->status[0];
}

static void refuse(struct transaction *t, size_t k)
{
    struct error why;
    struct outcome *outcome = &t->outcomes[t->index[k]];
    (void)refusal_set(&why, t->wire->command, &t->wire->reply,
                      "the server refused the recipient <%s>", t->env->rcpt[t->index[k]].address);
    outcome_refuse(outcome, &why);
    t->state[k] = RCPT_REFUSED;
}

bool transaction_take_rcpt(struct transaction *t, size_t k, struct error *err)
{
    if (!take(t, COMMAND_RCPT, err))
        return false;
    const struct reply *reply = &t->wire->reply;
    if (t->mail_refused)
        return true; /* what it says of them now is about the missing MAIL */
    if (reply->code / 100 == 3)
        return wire_unexpected(t->wire, err);
    if (reply->code / 100 == 2) {
        t->state[k] = RCPT_ACCEPTED;
        t->accepted++;
        return true;
    }
    bool deferred = is_deferral(reply);
    refuse(t, k);
    if (deferred)
        t->state[k] =
            RCPT_DEFERRED; /* it keeps the refusal unless others are sent: transaction_end() */
    return true;
}

bool transaction_take_data(struct transaction *t, struct error *err)
{
    if (!take(t, COMMAND_DATA, err))
        return false;
    t->go = t->wire->reply.code == 354;
    int class = t->wire->reply.code / 100;
    if (!t->go && class != 4 && class != 5)
        return wire_unexpected(t->wire, err);
    if (!t->go && !t->mail_refused) {
        t->data_refused = true;
        (void)refusal_set(&t->refusal, COMMAND_DATA, &t->wire->reply,
                          "the server refused the message (DATA)");
    }
    return true;
}

bool transaction_queue(struct transaction *t, struct error *err)
{
    if (t->reset && !wire_command(t->wire, err, "RSET"))
        return false;
    if (!queue_mail(t, err))
        return false;
    str_reserve(&t->wire->out, t->n * RCPT_TYPICAL); /* growing means wiping what it was */
    for (size_t k = 0; k < t->n; k++)
        if (!queue_rcpt(t, k, err))
            return false;
    if (!t->chunked)
        return wire_command(t->wire, err, "DATA");
    return !t->with_envelope || transfer_queue_chunk(t->wire, t->content, err);
}

/* With PIPELINING (RFC 2920): all of the envelope in one write, with DATA or small content. */
static bool exchange_group(struct transaction *t, struct error *err)
{
    if (!wire_begin(t->wire, COMMAND_MAIL, err))
        return false;
    t->reset = t->session->unclean;
    if (!transaction_queue(t, err)) {
        t->wire->broken = true; /* half a group is queued */
        return false;
    }
    t->session->unclean = true;
    if ((t->reset && !transaction_take_reset(t, err)) || !transaction_take_mail(t, err))
        return false;
    if (t->mail_refused && t->with_envelope)
        return true;
    for (size_t k = 0; k < t->n; k++)
        if (!transaction_take_rcpt(t, k, err))
            return false;
    return t->chunked || transaction_take_data(t, err);
}

/* Without: a round trip for each command. */
static bool exchange_steps(struct transaction *t, struct error *err)
{
    struct wire *wire = t->wire;
    if (t->session->unclean && !(wire_begin(wire, COMMAND_RSET, err) &&
                                 wire_command(wire, err, "RSET") && transaction_take_reset(t, err)))
        return false;
    t->session->unclean = true;
    if (!wire_begin(wire, COMMAND_MAIL, err) || !queue_mail(t, err) ||
        !transaction_take_mail(t, err))
        return false;
    for (size_t k = 0; k < t->n && !t->mail_refused; k++)
        if (!wire_begin(wire, COMMAND_RCPT, err) || !queue_rcpt(t, k, err) ||
            !transaction_take_rcpt(t, k, err))
            return false;
    if (t->mail_refused || t->accepted == 0 || t->chunked)
        return true;
    return wire_begin(wire, COMMAND_DATA, err) && wire_command(wire, err, "DATA") &&
           transaction_take_data(t, err);
}

void transaction_end(struct transaction *t)
{
    for (size_t k = 0; k < t->n; k++)
        if (t->state[k] == RCPT_DEFERRED && t->accepted > 0)
            outcome_clear(&t->outcomes[t->index[k]], 1);
    free(t->index);
    free(t->state);
    str_clear(&t->sender);
    str_clear(&t->line);
    str_clear(&t->commands);
    downgrade_free(t->downgrade);
    *t = (struct transaction){0};
}

/* Nobody wants the content: undoes what was begun. */
static bool call_off(struct transaction *t, struct error *err)
{
    struct error ignored;
    if (t->with_envelope) {
        /* It is on its way all the same. A server that does not discard it would read it as
         * commands, so that nothing may follow. */
        t->wire->broken = true;
        t->session->chunking_hurt = true;
    } else if (t->go && wire_begin(t->wire, COMMAND_DATA, &ignored) &&
               transfer_nothing(t->wire, t->session->params->timeout, &ignored)) {
        t->wire->command = COMMAND_CONTENT;
        (void)wire_reply(t->wire, t->session->params->timeout, &ignored); /* whatever it says */
    }
    if (t->mail_refused)
        *err = t->refusal;
    return !t->mail_refused;
}

static bool send_content(struct transaction *t, struct error *err)
{
    const struct session_params *params = t->session->params;
    if (t->with_envelope)
        return true;
    if (!wire_begin(t->wire, COMMAND_CONTENT, err))
        return false;
    if (t->chunked)
        return transfer_chunk(t->wire, t->content, params->timeout, err);
    return transfer_data(t->wire, t->content, params->lmtp ? t->accepted : 1, params->timeout, err);
}

static void keep_final(struct transaction *t)
{
    if (!t->final)
        return;
    str_truncate(t->final, 0);
    reply_print(&t->wire->reply, t->final);
}

static void mark_sent(struct transaction *t, size_t k)
{
    struct outcome *outcome = &t->outcomes[t->index[k]];
    outcome->result = OUTCOME_SENT;
    t->delivered++;
    t->state[k] = RCPT_REFUSED; /* not waiting for anything any more */
}

/* One reply for all, or with LMTP one for each recipient that was accepted (RFC 2033, 4.2). */
bool transaction_take_content(struct transaction *t, struct error *err)
{
    bool lmtp = t->session->params->lmtp;
    t->wire->command = COMMAND_CONTENT;
    for (size_t k = 0; k < t->n; k++) {
        if (t->state[k] != RCPT_ACCEPTED)
            continue;
        if (!wire_reply(t->wire, t->session->params->timeout_final, err))
            return false;
        const struct reply *reply = &t->wire->reply;
        if (reply->code / 100 == 3)
            return wire_unexpected(t->wire, err);
        if (reply->code / 100 != 2 && !lmtp)
            return refusal_set(err, COMMAND_CONTENT, reply, "the server refused the message");
        keep_final(t);
        if (reply->code / 100 != 2)
            refuse(t, k);
        else if (lmtp)
            mark_sent(t, k);
        for (size_t i = k; !lmtp && i < t->n; i++)
            if (t->state[i] == RCPT_ACCEPTED)
                mark_sent(t, i);
    }
    t->session->unclean = false;
    return true;
}

bool transaction_is_bdat_refused(const struct transaction *t, const struct error *err)
{
    switch (t->chunked ? err->reply_code : 0) {
    case 500:
    case 502:
    case 503:
    case 504:
        return true;
    default:
        return false;
    }
}

static bool deliver_content(struct transaction *t, struct error *err)
{
    if (send_content(t, err) && transaction_take_content(t, err))
        return true;
    if (transaction_is_bdat_refused(t, err)) {
        t->session->bdat_refused = true;
        t->wire->broken = true; /* the chunk was taken for commands */
    }
    return false;
}

static bool run(struct transaction *t, struct error *err)
{
    const struct session_capabilities *capabilities = &t->session->capabilities;
    const struct session_params *params = t->session->params;
    if (!transaction_prepare(t, err))
        return false;
    if (t->n == 0)
        return true;
    /* LMTP is a matter of this machine: the few that offer CHUNKING differ in what they answer. */
    t->chunked =
        params->chunking && capabilities->chunking && !params->lmtp && !t->session->chunking_hurt;
    t->with_envelope = t->chunked && capabilities->pipelining && !params->streaming &&
                       t->content->size <= SESSION_INLINE_MAX;
    if (!(capabilities->pipelining ? exchange_group(t, err) : exchange_steps(t, err)))
        return false;
    if (t->mail_refused || t->accepted == 0)
        return call_off(t, err);
    if (t->data_refused) {
        *err = t->refusal;
        return false;
    }
    return deliver_content(t, err);
}

bool session_send(struct session *session, const struct session_mail *mail, struct error *err)
{
    session->wire.limit = 0; /* that was for getting here */
    struct transaction t = {.session = session,
                            .wire = &session->wire,
                            .env = mail->env,
                            .content = mail->content,
                            .outcomes = mail->outcomes,
                            .final = mail->final};
    bool ok = run(&t, err);
    session->verified = session->verified || (ok && t.n > 0 && t.delivered == t.n);
    transaction_end(&t);
    return ok;
}
