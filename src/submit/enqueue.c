#include "config.h"
#include "submit/enqueue.h"

#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "queue/entry_writer.h"
#include "queue/scan.h"
#include "delivery/fallback.h"
#include "delivery/worker.h"
#include "submit/direct.h"
#include "submit/first_try.h"
#include "submit/interrupt.h"
#include "submit/queue_context.h"
#include "submit/report.h"

enum { LARGE = 1024 * 1024 }; /* octets of a message that can use up what was there */

struct enqueue {
    struct send_context *s;
    struct queue_context queue;
    struct entry_lock lock;
    struct scan scan;
    bool took_along; /* an overdue entry, or there is none */
    int code;        /* of the first try */
};

/* Of an entry that is complete but for its commit. */
static bool is_admitted(struct enqueue *q, const struct entry_writer *writer, struct error *err)
{
    return (writer->entry.size < LARGE || spool_has_room(&q->queue.spool, err)) &&
           (!q->s->admit || q->s->admit(q->s, writer->entry.size, err));
}

static bool write_entry(struct enqueue *q, struct error *err)
{
    struct submission *m = &q->s->submission;
    struct entry_writer writer = {0};
    const struct entry entry = {
        .account = m->account->name,
        .envelope = m->envelope,
        .from = m->original_from,
        .has_uid = q->s->site->caller.uid != (uid_t)-1,
        .uid = q->s->site->caller.uid,
    };
    bool ok = spool_has_room(&q->queue.spool, err) &&
              entry_writer_begin(&writer, &q->queue.spool, &entry, err);
    if (ok) {
        interrupt_before_commit(&writer);
        ok = submission_write(m, &writer.output, &writer.entry.has_8bit,
                              &writer.entry.has_8bit_header, err);
        interrupt_during_commit();
        ok = ok && is_admitted(q, &writer, err) && entry_writer_commit(&writer, &q->lock, err);
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
        .content = q->lock.spool ? &q->lock.content : NULL,
        .header = &q->s->submission.header,
        .error = err,
        .queue_id = q->s->id,
        .code = code,
        .caller = &q->s->site->caller,
    };
    report_log(q->s->site->program, &facts);
}

/* Mail that stays is no error, but a person who watches wants to know. What a person must mend is
 * said in any case: otherwise an account that never worked would be silent until the lifetime is
 * over. */
static void tell_queued(const struct enqueue *q, const struct error *why)
{
    const char *program = q->s->site->program;
    if (why && verdict_needs_person(why)) {
        struct str text = {0};
        error_explain_shown(why, &text);
        report_line(program, "%s (the message is queued as %s)", str_text(&text), q->s->id);
        str_clear(&text);
        return;
    }
    if (!q->s->call->verbose && !isatty(STDERR_FILENO))
        return;
    if (why)
        report_line(program, "%s", error_shown(why));
    report_line(program, "the message is queued as %s and will be sent later", q->s->id);
}

static void not_tried(struct enqueue *q)
{
    if (q->s->submission.account->log_format == LOG_FORMAT_MSMTP)
        log_result(q, NULL, EX_OK);
    tell_queued(q, NULL);
    queue_context_warn_if_silent(&q->queue);
}

/* Tells the caller what became of the first try; the worker has logged it. */
static void conclude(void *context, const struct attempt *attempt)
{
    struct enqueue *q = context;
    if (!attempt) {
        not_tried(q);
        return;
    }
    const struct verdict v = delivery_verdict(attempt);
    if (v.refusal) {
        send_context_report_attempt(q->s, attempt, &v);
        q->code = v.code;
    } else if (v.deferred > 0) {
        tell_queued(q, attempt->failed ? &attempt->failure : NULL);
        queue_context_warn_if_silent(&q->queue);
    }
}

static bool is_of_account(struct enqueue *q, const char *id)
{
    struct entry head = {0};
    struct error ignored; /* a run will say what is wrong with it */
    bool ours = entry_lock_peek(&q->queue.spool, SPOOL_QUEUE, id, &head, &ignored) == SPOOL_FOUND &&
                strcmp(head.account, q->s->submission.account->name) == 0;
    entry_clear(&head);
    return ours;
}

/* A user's spool has no daemon: every submission takes along one entry that is overdue, over the
 * connection that it made. */
static const char *overdue(void *context)
{
    struct enqueue *q = context;
    struct error ignored;
    struct scan *scan = &q->scan;
    if (q->took_along || !scan_read(scan, &q->queue.spool, SPOOL_QUEUE, &ignored))
        return NULL;
    q->took_along = true;
    scan_keep_due(scan, q->queue.delivery.now());
    for (size_t i = 0; i < scan->n && i < ENQUEUE_LOOK; i++)
        if (is_of_account(q, scan->item[i].id))
            return scan->item[i].id;
    return NULL;
}

/* What the entry is sent as: for the caller's account, or for its fallback, which is STAND_IN. */
static const struct identity *choose_identity(struct enqueue *q, struct identity *stand_in)
{
    const struct account *other =
        fallback_choose(&q->queue.delivery, q->s->submission.account, DELIVERY_DUE);
    struct error ignored; /* then the account's own failure is what is reported */
    if (other && fallback_may_carry(other, &q->lock.entry) &&
        delivery_identity(&q->queue.delivery, &q->lock.entry, other->name, stand_in, &ignored))
        return stand_in;
    return &q->s->identity;
}

static int first_try(void *context)
{
    struct enqueue *q = context;
    struct identity stand_in = {0};
    const struct identity *identity = choose_identity(q, &stand_in);
    const struct worker_job job = {
        .delivery = &q->queue.delivery,
        .account_name = identity->account->name,
        .next = overdue,
        .context = q,
        .per_connection = SIZE_MAX,
        .first = &q->lock,
        .first_done = conclude,
        .identity = identity,
    };
    size_t ignored; /* what could not be noted was reported */
    q->s->options.connect_timeout = ENQUEUE_CONNECT;
    q->s->options.deadline = clock_after(ENQUEUE_REACH);
    (void)worker_run(&job, &ignored);
    identity_clear(&stand_in);
    scan_clear(&q->scan);
    return q->code;
}

static int try_first(struct enqueue *q)
{
    q->s->spool = &q->queue.spool;
    int code = first_try_run(q->s, first_try, q);
    q->s->spool = NULL;
    if (code >= 0)
        return code;
    tell_queued(q, &q->s->error);
    return EX_OK;
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
    const struct account *account = q->s->submission.account;
    bool tries = !q->s->hand_on && account->delivery_mode == MODE_INTERACTIVE;
    /* msmtp's form has one line for a message that is tried at once */
    if (!tries || account->log_format != LOG_FORMAT_MSMTP)
        log_result(q, NULL, EX_OK);
    if (q->s->hand_on)
        return q->s->hand_on(q->s, &q->lock);
    if (tries)
        return try_first(q);
    entry_lock_release(&q->lock);
    queue_context_warn_if_silent(&q->queue);
    return EX_OK;
}

int enqueue_run(struct send_context *s)
{
    struct enqueue q = {
        .s = s,
        .queue = {.site = s->site, .scope = s->submission.account->scope, .options = &s->options}};
    struct error err;
    int code;
    send_context_prepare_connection(s);
    enum queue_context_result opened = queue_context_open(&q.queue, true, &err);
    if (opened == QUEUE_CONTEXT_OPEN) {
        if (q.queue.spool_time.last_run == 0)
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
