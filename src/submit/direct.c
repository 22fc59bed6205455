#include "config.h"
#include "submit/direct.h"

#include <stdlib.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/memory.h"
#include "compat/msmtpcode.h"
#include "delivery/sent_copy.h"
#include "cli/environment.h"
#include "submit/first_try.h"
#include "submit/report.h"

struct direct {
    struct send_context *s;
    struct content content;
    struct attempt attempt;
    char *host, *address;  /* that the session was with; NULL: none answered */
    char id[ENTRYID_SIZE]; /* as if it were an entry */
};

static bool write_content(struct direct *d, struct error *err)
{
    struct content_writer writer;
    content_write_to(&writer, &d->content, environment_temporary());
    return submission_write(&d->s->submission, &writer.output, &d->content.has_8bit,
                            &d->content.has_8bit_header, err);
}

static bool relay(struct direct *d, struct error *err)
{
    struct spool none = {0};
    struct connection *connection =
        spool_new_id(&none, d->id, err)
            ? connection_open(d->s->submission.account, &d->s->options, err)
            : NULL;
    if (!connection)
        return false;
    d->host = memory_copy(connection_host(connection));
    d->address = memory_copy(connection_address(connection));
    d->attempt.setup = connection_take_setup(connection);
    d->attempt.began = clock_now();
    const struct session_mail mail = {.env = &d->s->submission.envelope,
                                      .content = &d->content,
                                      .outcomes = d->attempt.outcomes,
                                      .final = &d->attempt.reply,
                                      .id = d->id};
    bool ok = connection_send(connection, &mail, err);
    connection_close(connection);
    return ok;
}

static void log_result(const struct direct *d, const struct error *err, int code)
{
    const struct logline facts = {
        .account = d->s->submission.account,
        .host = d->host ? d->host : "",
        .envelope = &d->s->submission.envelope,
        .content = &d->content,
        .accepted = err ? NULL : str_text(&d->attempt.reply),
        .error = err,
        .queue_id = "",
        .code = code,
        .attempt = d->attempt.outcomes ? &d->attempt : NULL,
        .caller = &d->s->site->caller,
        .address = d->address,
    };
    report_log(d->s->site->program, &facts);
}

/* Mail that was sent stays sent without it. */
static void keep_copy(struct direct *d)
{
    struct error err;
    if (!sent_copy_make(d->s->submission.account, d->s->site->host.name, d->id, &d->content, &err))
        report_error(d->s->site->program, &err);
}

static int deliver(void *context)
{
    struct direct *d = context;
    struct attempt *attempt = &d->attempt;
    send_context_prepare_connection(d->s);
    attempt->n = d->s->submission.envelope.n;
    attempt->outcomes = memory_new(attempt->n * sizeof *attempt->outcomes);
    attempt->began = clock_now();
    attempt->failed = !relay(d, &attempt->failure);
    struct verdict v = delivery_verdict(attempt);
    if (v.sent > 0)
        keep_copy(d);
    if (v.code == EX_OK) {
        log_result(d, NULL, EX_OK);
        return EX_OK;
    }
    send_context_report_attempt(d->s, attempt, &v);
    if (d->s->call->personality == PERSONALITY_MSMTP)
        v.code = msmtpcode_of(&d->s->error);
    log_result(d, &d->s->error, v.code);
    return v.code;
}

int direct_run(struct send_context *s)
{
    struct direct d = {.s = s};
    struct error err;
    int code;
    if (write_content(&d, &err)) {
        code = first_try_run(s, deliver, &d);
        if (code < 0) {
            err = s->error;
            code = send_context_report(s, &err, err.code);
            log_result(&d, &err, code);
        }
    } else {
        send_context_drain(s);
        code = send_context_report(s, &err, err.code);
        log_result(&d, &err, code);
    }
    delivery_attempt_clear(&d.attempt);
    free(d.host);
    free(d.address);
    content_clear(&d.content);
    return code;
}
