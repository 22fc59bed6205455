#include "config.h"
#include "submit/direct.h"

#include <stdlib.h>
#include <sysexits.h>

#include "base/memory.h"
#include "compat/msmtpcode.h"
#include "cli/environment.h"
#include "submit/report.h"

struct direct {
    struct send_context *s;
    struct content content;
    struct outcome *outcomes;
    struct str final; /* the reply to the content */
    char *host;       /* that was talked to */
};

static bool write_content(struct direct *d, struct error *err)
{
    struct content_writer writer;
    content_write_to(&writer, &d->content, environment_temporary());
    return submission_write(&d->s->submission, &writer.output, &d->content.has_8bit,
                            &d->content.has_8bit_header, err);
}

static bool delivery(struct direct *d, struct error *err)
{
    struct connection *connection = connection_open(d->s->submission.account, &d->s->options, err);
    if (!connection)
        return false;
    d->host = memory_copy(connection_host(connection));
    const struct session_mail mail = {&d->s->submission.envelope, &d->content, d->outcomes,
                                      &d->final};
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
        .content = err ? NULL : &d->content,
        .accepted = str_text(&d->final),
        .error = err,
        .queue_id = "",
        .code = code,
    };
    report_log(d->s->site->program, &facts);
}

static int deliver(struct direct *d)
{
    struct error failure, err;
    size_t n = d->s->submission.envelope.n;
    send_context_prepare_connection(d->s);
    d->outcomes = memory_new(n * sizeof *d->outcomes);
    bool ok = delivery(d, &failure);
    struct verdict v = verdict_of(d->outcomes, n, ok ? NULL : &failure);
    if (v.code == EX_OK) {
        log_result(d, NULL, EX_OK);
        return EX_OK;
    }
    send_context_report_attempt(d->s, d->outcomes, &v, ok ? NULL : &failure, &err);
    if (d->s->call->personality == PERSONALITY_MSMTP) {
        v.code = msmtpcode_of(&err);
    }
    log_result(d, &err, v.code);
    return v.code;
}

int direct_run(struct send_context *s)
{
    struct direct d = {.s = s};
    struct error err;
    int code;
    if (write_content(&d, &err)) {
        code = deliver(&d);
    } else {
        send_context_drain(s);
        code = send_context_report(s, &err, err.code);
        log_result(&d, &err, code);
    }
    if (d.outcomes)
        outcome_clear(d.outcomes, s->submission.envelope.n);
    free(d.outcomes);
    free(d.host);
    str_clear(&d.final);
    content_clear(&d.content);
    return code;
}
