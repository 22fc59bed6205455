#include "config.h"
#include "submit/enqueue.h"

#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "queue/entry_writer.h"
#include "queue/slots.h"
#include "delivery/overdue.h"
#include "delivery/settle.h"
#include "submit/direct.h"
#include "submit/interrupt.h"
#include "submit/queue_context.h"
#include "submit/report.h"

struct enqueue {
    struct sending *s;
    struct spooling spooling;
    struct claim claim;
    bool spool_trouble; /* what was done could not be noted: do no more */
};

static bool write_entry(struct enqueue *q, struct error *err)
{
    struct submission *m = &q->s->submission;
    struct draft draft = {0};
    const struct entry entry = {
        .account = m->account->name,
        .envelope = m->envelope,
        .from = m->original_from,
        .has_uid = q->s->caller.uid != (uid_t)-1,
        .uid = q->s->caller.uid,
    };
    bool ok = draft_begin(&draft, &q->spooling.spool, &entry, err);
    if (ok) {
        interrupt_before_commit(&draft);
        ok = submission_write(m, &draft.output, &draft.entry.has_8bit, &draft.entry.has_8bit_header,
                              err);
        interrupt_during_commit();
        ok = ok && draft_commit(&draft, &q->claim, err);
    }
    draft_drop(&draft);
    if (ok) {
        memcpy(q->s->id, q->claim.entry.id, sizeof q->s->id);
        interrupt_after_commit();
    } else {
        interrupt_as_usual();
    }
    return ok;
}

static void log_result(const struct enqueue *q, const struct error *err, int code)
{
    const struct logline facts = {
        .account = q->s->submission.account,
        .host = "",
        .envelope = &q->s->submission.envelope,
        .reply_code = err ? err->reply_code : 0,
        .reply = err ? err->reply : "",
        .error = err ? err->text : "",
        .queue_id = q->s->id,
        .code = code,
    };
    report_log(q->s->call->program, &facts);
}

/* Mail that stays is no error, but who watches wants to know. */
static void tell_queued(const struct enqueue *q, const struct error *why)
{
    const char *program = q->s->call->program;
    if (!q->s->call->verbose && !isatty(STDERR_FILENO))
        return;
    if (why)
        report_line(program, "%s", why->text);
    report_line(program, "the message is queued as %s and will be sent later", q->s->id);
}

static int refused_by_all(struct enqueue *q, const struct attempt *attempt, const struct verdict *v)
{
    struct error err;
    sending_report_attempt(q->s, attempt->outcomes, v, attempt->failed ? &attempt->failure : NULL,
                           &err);
    return v->code;
}

/* Tells the result of an attempt and settles the entry. */
static int conclude(struct enqueue *q, const struct connection *connection, struct attempt *attempt)
{
    struct relay *relay = &q->spooling.relay;
    struct error err;
    const struct settlement settlement = {
        .relay = relay,
        .account = q->s->submission.account,
        .provider = connection ? connection_host(connection) : "",
        .caller_hears = true,
    };
    const struct error *failure = attempt->failed ? &attempt->failure : NULL;
    struct verdict v = verdict_of(attempt->outcomes, attempt->n, failure);
    bool refused = verdict_is_refusal(&v, failure);
    relay->log(relay->context, settlement.account, &q->claim, attempt->outcomes, failure,
               str_text(&attempt->reply));
    enum settle_end end = settle_attempt(&settlement, &q->claim, attempt, &err);
    if (end == SETTLE_TROUBLE) {
        q->spool_trouble = true;
        relay->trouble(relay->context, &err);
    }
    if (refused)
        return refused_by_all(q, attempt, &v);
    if (end == SETTLE_WAITS) {
        tell_queued(q, failure);
        spooling_warn_if_silent(&q->spooling);
    }
    return EX_OK;
}

static int try_to_send(struct enqueue *q)
{
    struct relay *relay = &q->spooling.relay;
    const struct account *account = q->s->submission.account;
    struct attempt attempt = {0};
    struct error err;
    q->s->options.connect_timeout = ENQUEUE_CONNECT;
    q->s->options.deadline = clock_after(ENQUEUE_REACH);
    struct connection *connection = connection_open(account, &q->s->options, &err);
    if (connection) {
        relay_note_success(relay, account);
        relay_attempt(relay, connection, account, &q->claim, &attempt);
        if (relay_attempt_troubled(&attempt, &err))
            relay_note_trouble(relay, account, &err);
    } else {
        relay_note_trouble(relay, account, &err);
        relay_not_attempted(&q->claim, &err, &attempt);
    }
    int code = conclude(q, connection, &attempt);
    if (connection && connection_usable(connection) && !q->spool_trouble)
        overdue_try_one(relay, account, connection);
    connection_close(connection);
    relay_attempt_clear(&attempt);
    return code;
}

static int first_try(struct enqueue *q)
{
    const struct account *account = q->s->submission.account;
    struct error ignored; /* no slot file, no limit */
    int slot = -1;
    bool busy = slots_take(&q->spooling.spool, account->name, (unsigned)account->max_connections,
                           &slot, &ignored) &&
                slot < 0;
    int code = EX_OK;
    if (busy || !relay_may_try(&q->spooling.relay, account)) {
        claim_release(&q->claim);
        log_result(q, NULL, EX_OK);
        tell_queued(q, NULL);
        spooling_warn_if_silent(&q->spooling);
    } else {
        code = try_to_send(q);
    }
    slots_give(slot);
    return code;
}

static int accept_and_try(struct enqueue *q)
{
    struct error err;
    if (!write_entry(q, &err)) {
        sending_drain(q->s);
        int code = verdict_code(&err);
        log_result(q, &err, code);
        return sending_report(q->s, &err, code);
    }
    if (q->s->hand_on) {
        log_result(q, NULL, EX_OK);
        return q->s->hand_on(q->s, &q->claim);
    }
    if (sending_mode(q->s) == MODE_INTERACTIVE)
        return first_try(q);
    claim_release(&q->claim);
    log_result(q, NULL, EX_OK);
    spooling_warn_if_silent(&q->spooling);
    return EX_OK;
}

int enqueue_run(struct sending *s)
{
    struct enqueue q = {.s = s};
    struct error err;
    const struct spooling_facts facts = {
        .program = s->call->program,
        .paths = s->paths,
        .caller = &s->caller,
        .host = &s->host,
        .config = &s->config,
        .options = &s->options,
    };
    int code;
    sending_prepare_connection(s);
    enum spooling_result opened =
        spooling_open(&q.spooling, &facts, s->submission.account->level, true, &err);
    if (opened == SPOOLING_OPEN) {
        if (q.spooling.last_run == 0)
            spooling_note_run(&q.spooling); /* the hour of grace begins with the spool */
        code = accept_and_try(&q);
    } else if (opened == SPOOLING_NONE && !s->hand_on) {
        code = direct_run(s);
    } else { /* the service takes nothing that it cannot keep */
        sending_drain(s);
        log_result(&q, &err, EX_TEMPFAIL);
        code = sending_report(s, &err, EX_TEMPFAIL);
    }
    claim_release(&q.claim);
    spooling_close(&q.spooling);
    return code;
}
