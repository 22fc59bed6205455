#include "config.h"
#include "ctl/queuerun.h"

#include <errno.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/xtext.h"
#include "delivery/alert.h"
#include "submit/dialogue.h"
#include "submit/queue_context.h"
#include "submit/control_client.h"
#include "submit/report.h"
#include "submit/serviceuser.h"

static void show_dialogue(void *context, enum trace_kind kind, const char *line, size_t len)
{
    (void)context;
    dialogue_show(stderr, kind, line, len);
}

static bool run_and_report(const struct queuerun *want, struct queue_context *queue,
                           struct runner_result *result, struct error *err)
{
    struct scan wanted = {0};
    if (!want->report)
        return runner_run(&queue->delivery, &want->filter, result, err);
    bool ok = run_report_before(&wanted, &queue->spool, &want->filter, err);
    if (ok && want->progress)
        queue->progress = progress_begin(wanted.n);
    ok = ok && runner_run(&queue->delivery, &want->filter, result, err);
    progress_end(queue->progress);
    if (ok)
        run_report_after(want->report, &queue->spool, &wanted);
    scan_clear(&wanted);
    return ok;
}

int queuerun_level(const struct queuerun *want, const struct site *site, enum account_scope scope,
                   bool *denied)
{
    const struct password_sources passwords = {.site = site};
    const struct connection_options options = {
        .passwords = &passwords,
        .trace = want->verbose ? show_dialogue : NULL,
    };
    struct queue_context queue = {
        .site = site, .scope = scope, .options = &options, .rendezvous = want->rendezvous};
    struct runner_result result = {0};
    struct error err;
    int code = EX_OK;
    enum queue_context_result opened = queue_context_open(&queue, false, &err);
    if (denied)
        *denied = opened == QUEUE_CONTEXT_NONE && (errno == EACCES || errno == EPERM);
    if (opened == QUEUE_CONTEXT_OPEN) {
        queue_context_note_run(&queue);
        if (!run_and_report(want, &queue, &result, &err))
            opened = QUEUE_CONTEXT_FAILED;
        else if (result.failed)
            code = EX_IOERR;
        if (opened == QUEUE_CONTEXT_OPEN)
            alert_check(&queue.delivery, site->config.queue[scope].alert_command);
    }
    if (opened == QUEUE_CONTEXT_FAILED) {
        report_error_to(want->err ? want->err : stderr, site->program, &err);
        code = err.code;
    }
    queue_context_close(&queue);
    return code;
}

static void add_word(struct str *line, const char *name, const char *value)
{
    if (!*value)
        return;
    str_addf(line, " %s=", name);
    xtext_add(line, value);
}

static int run_by_service(const struct queuerun *want, const struct site *site)
{
    struct str line = {0};
    const struct runner_filter *f = &want->filter;
    str_add(&line, f->ignore_times ? "flush" : "flush due=1");
    str_add(&line, want->report ? " report=1" : "");
    str_add(&line, f->by_person ? " person=1" : "");
    add_word(&line, "id", f->id);
    add_word(&line, "account", f->account);
    add_word(&line, "recipient", f->recipient);
    add_word(&line, "sender", f->sender);
    int code = control_client_run(site, str_text(&line), stdout, stderr);
    str_clear(&line);
    return code;
}

/* Root does as the service would, so that nothing of root's lands in the spool. */
static int run_system(const struct queuerun *want, const struct site *site, bool *by_service)
{
    struct error err;
    if (!serviceuser_become(&err)) {
        report_error(site->program, &err);
        return err.code;
    }
    int code = queuerun_level(want, site, SCOPE_SYSTEM, by_service);
    return *by_service ? run_by_service(want, site) : code;
}

int queuerun_run(const struct queuerun *want, struct site *site, const char *file, FILE *report)
{
    struct queuerun run = *want;
    struct run_report result = {0};
    struct error err;
    bool by_service = false;
    if (!site_configure(site, file, &err)) {
        report_error(site->program, &err);
        return err.code;
    }
    run.report = report ? &result : NULL;
    run.progress = report && !want->verbose && isatty(STDERR_FILENO);
    int code = queuerun_level(&run, site, SCOPE_USER, NULL);
    int system = run_system(&run, site, &by_service);
    bool something = result.left + result.kept + result.waiting > 0;
    if (report && (something || !by_service)) /* which says the same of the system's */
        run_report_print(&result, report);
    run_report_clear(&result);
    return code == EX_OK ? system : code;
}
