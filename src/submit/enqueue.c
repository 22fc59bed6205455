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
    struct send_context *s;
    struct queue_context queue;
    struct entry_lock lock;
    bool spool_trouble; /* what was done could not be noted: do no more */
};

static bool write_entry(struct enqueue *q, struct error *err)
{
    struct submission *m = &q->s->submission;
    struct entry_writer writer = {0};
    const struct entry entry = {
        .account = m->account->name,
        .envelope = m->envelope,
        .from = m->original_from,
        .has_uid = q->s->caller.uid != (uid_t)-1,
        .uid = q->s->caller.uid,
    };
    bool ok = entry_writer_begin(&writer, &q->queue.spool, &entry, err);
    if (ok) {
        interrupt_before_commit(&writer);
        ok = submission_write(m, &writer.output, &writer.entry.has_8bit,
                              &writer.entry.has_8bit_header, err);
        interrupt_during_commit();
        ok = ok && entry_writer_commit(&writer, &q->lock, err);
    }
    entry_writer_drop(&writer);
    if (ok) {
        memcpy(q->s->id, q->lock.entry.id, sizeof q->s->id);
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
    send_context_report_attempt(q->s, attempt->outcomes, v,
                                attempt->failed ? &attempt->failure : NULL, &err);
    return v->code;
}

/* Tells the result of an attempt and settles the entry. */
static int conclude(struct enqueue *q, const struct connection *connection, struct attempt *attempt)
{
    struct delivery_context *delivery = &q->queue.delivery;
    struct error err;
    const struct settlement settlement = {
        .delivery = delivery,
        .account = q->s->submission.account,
        .provider = connection ? connection_host(connection) : "",
        .caller_hears = true,
    };
    const struct error *failure = attempt->failed ? &attempt->failure : NULL;
    struct verdict v = verdict_of(attempt->outcomes, attempt->n, failure);
    bool refused = verdict_is_refusal(&v, failure);
    delivery->log(delivery->context, settlement.account, &q->lock, attempt->outcomes, failure,
                  str_text(&attempt->reply));
    enum settle_end end = settle_attempt(&settlement, &q->lock, attempt, &err);
    if (end == SETTLE_TROUBLE) {
        q->spool_trouble = true;
        delivery->trouble(delivery->context, &err);
    }
    if (refused)
        return refused_by_all(q, attempt, &v);
    if (end == SETTLE_WAITS) {
        tell_queued(q, failure);
        queue_context_warn_if_silent(&q->queue);
    }
    return EX_OK;
}

/* It stays in the queue. */
static int not_tried(struct enqueue *q, const struct error *why)
{
    entry_lock_release(&q->lock);
    log_result(q, NULL, EX_OK);
    tell_queued(q, why);
    queue_context_warn_if_silent(&q->queue);
    return EX_OK;
}

static int try_to_send(struct enqueue *q)
{
    struct delivery_context *delivery = &q->queue.delivery;
    const struct account *account = q->s->submission.account;
    struct attempt attempt = {0};
    struct error err;
    q->s->options.connect_timeout = ENQUEUE_CONNECT;
    q->s->options.deadline = clock_after(ENQUEUE_REACH);
    if (entry_lock_begin(&q->lock, delivery->now(), &err) != ENTRY_LOCK_BEGUN)
        return not_tried(q, &err);
    struct connection *connection = connection_open(account, &q->s->options, &err);
    if (connection) {
        delivery_note_success(delivery, account);
        delivery_attempt(delivery, connection, account, &q->lock, &attempt);
        if (delivery_attempt_troubled(&attempt, &err))
            delivery_note_trouble(delivery, account, &err);
    } else {
        delivery_note_trouble(delivery, account, &err);
        delivery_not_attempted(&q->lock, &err, &attempt);
    }
    int code = conclude(q, connection, &attempt);
    if (connection && connection_usable(connection) && !q->spool_trouble)
        overdue_try_one(delivery, account, connection);
    connection_close(connection);
    delivery_attempt_clear(&attempt);
    return code;
}

static int first_try(struct enqueue *q)
{
    const struct account *account = q->s->submission.account;
    struct error ignored; /* no slot file, no limit */
    int slot = -1;
    bool busy = slots_take(&q->queue.spool, account->name, (unsigned)account->max_connections,
                           &slot, &ignored) &&
                slot < 0;
    bool tried = !busy && delivery_may_try(&q->queue.delivery, account);
    int code = tried ? try_to_send(q) : not_tried(q, NULL);
    slots_give(slot);
    return code;
}

static int accept_and_try(struct enqueue *q)
{
    struct error err;
    if (!write_entry(q, &err)) {
        send_context_drain(q->s);
        int code = verdict_code(&err);
        log_result(q, &err, code);
        return send_context_report(q->s, &err, code);
    }
    if (q->s->hand_on) {
        log_result(q, NULL, EX_OK);
        return q->s->hand_on(q->s, &q->lock);
    }
    if (q->s->submission.account->delivery_mode == MODE_INTERACTIVE)
        return first_try(q);
    entry_lock_release(&q->lock);
    log_result(q, NULL, EX_OK);
    queue_context_warn_if_silent(&q->queue);
    return EX_OK;
}

int enqueue_run(struct send_context *s)
{
    struct enqueue q = {.s = s};
    struct error err;
    const struct queue_context_facts facts = {
        .program = s->call->program,
        .paths = s->paths,
        .caller = &s->caller,
        .host = &s->host,
        .config = &s->config,
        .options = &s->options,
    };
    int code;
    send_context_prepare_connection(s);
    enum queue_context_result opened =
        queue_context_open(&q.queue, &facts, s->submission.account->scope, true, &err);
    if (opened == QUEUE_CONTEXT_OPEN) {
        if (q.queue.last_run == 0)
            queue_context_note_run(&q.queue); /* the hour of grace begins with the spool */
        code = accept_and_try(&q);
    } else if (opened == QUEUE_CONTEXT_NONE && !s->hand_on) {
        code = direct_run(s);
    } else { /* the service takes nothing that it cannot keep */
        send_context_drain(s);
        log_result(&q, &err, EX_TEMPFAIL);
        code = send_context_report(s, &err, EX_TEMPFAIL);
    }
    entry_lock_release(&q.lock);
    queue_context_close(&q.queue);
    return code;
}
