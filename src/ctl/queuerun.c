#include "config.h"
#include "ctl/queuerun.h"

#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/xtext.h"
#include "submit/queue_context.h"
#include "submit/report.h"
#include "submit/service_client.h"
#include "submit/serviceuser.h"
#include "submit/trace.h"

static void show_dialogue(void *context, enum trace_kind kind, const char *line, size_t len)
{
    (void)context;
    dialogue_show(stderr, kind, line, len);
}

static bool run_and_report(const struct queuerun_facts *facts, struct queue_context *queue,
                           const struct runner_filter *filter, struct runner_result *result,
                           struct error *err)
{
    struct scan wanted = {0};
    if (!facts->report)
        return runner_run(&queue->delivery, filter, result, err);
    bool ok = run_report_before(&wanted, &queue->spool, filter, err);
    if (ok && facts->progress)
        queue->progress = progress_begin(wanted.n);
    ok = ok && runner_run(&queue->delivery, filter, result, err);
    progress_end(queue->progress);
    if (ok)
        run_report_after(facts->report, &queue->spool, &wanted);
    scan_clear(&wanted);
    return ok;
}

int queuerun_level(const struct queuerun_facts *facts, enum account_scope scope,
                   const struct runner_filter *filter, bool *denied)
{
    const struct password_sources passwords = {
        .paths = facts->paths,
        .caller = facts->caller,
    };
    const struct connection_options options = {
        .passwords = &passwords,
        .host_name = facts->host->full_name,
        .trace = facts->verbose ? show_dialogue : NULL,
    };
    const struct queue_context_facts queue_context_facts = {
        .program = facts->program,
        .paths = facts->paths,
        .caller = facts->caller,
        .host = facts->host,
        .config = facts->config,
        .options = &options,
        .rendezvous = facts->rendezvous,
    };
    struct queue_context queue;
    struct runner_result result = {0};
    struct error err;
    int code = EX_OK;
    enum queue_context_result opened =
        queue_context_open(&queue, &queue_context_facts, scope, false, &err);
    if (denied)
        *denied = opened == QUEUE_CONTEXT_NONE && (errno == EACCES || errno == EPERM);
    if (opened == QUEUE_CONTEXT_OPEN) {
        queue_context_note_run(&queue);
        if (!run_and_report(facts, &queue, filter, &result, &err))
            opened = QUEUE_CONTEXT_TROUBLE;
        else if (result.trouble)
            code = EX_IOERR;
    }
    if (opened == QUEUE_CONTEXT_TROUBLE) {
        report_error(facts->program, &err);
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

static int run_by_service(const struct queuerun *want, const struct paths *paths)
{
    struct str line = {0};
    const struct runner_filter *f = &want->filter;
    str_add(&line, f->ignore_times ? "FLUSH" : "FLUSH due=1");
    str_add(&line, want->report ? " report=1" : "");
    str_add(&line, f->by_person ? " person=1" : "");
    add_word(&line, "id", f->id);
    add_word(&line, "account", f->account);
    add_word(&line, "recipient", f->recipient);
    add_word(&line, "sender", f->sender);
    int code = service_client_queue(want->program, paths, str_text(&line));
    str_clear(&line);
    return code;
}

/* Root does as the service would, so that nothing of root's lands in the spool. */
static int run_system(const struct queuerun *want, const struct queuerun_facts *facts,
                      bool *by_service)
{
    struct error err;
    bool denied;
    if (!serviceuser_become(&err)) {
        report_error(want->program, &err);
        return err.code;
    }
    int code = queuerun_level(facts, SCOPE_SYSTEM, &want->filter, &denied);
    *by_service = denied;
    return denied ? run_by_service(want, facts->paths) : code;
}

int queuerun_run(const struct queuerun *want, const struct paths *paths)
{
    struct caller_storage storage = {0};
    struct caller caller;
    struct this_host host = {0};
    struct configuration config;
    struct error err;
    struct run_report report = {0};
    bool by_service = false;
    int code;
    caller_find(&caller, &storage);
    this_host_read(&host, paths);
    if (configuration_read(&config, paths, &caller, want->file, &err)) {
        const struct queuerun_facts facts = {
            .program = want->program,
            .paths = paths,
            .caller = &caller,
            .host = &host,
            .config = &config,
            .verbose = want->verbose,
            .report = want->report ? &report : NULL,
            .progress = want->report && !want->verbose && isatty(STDERR_FILENO),
        };
        code = queuerun_level(&facts, SCOPE_USER, &want->filter, NULL);
        int system = run_system(want, &facts, &by_service);
        code = code == EX_OK ? system : code;
        bool something = report.left + report.kept + report.waiting > 0;
        if (want->report && (something || !by_service)) /* which says the same of the system's */
            run_report_print(&report, want->report);
    } else {
        report_error(want->program, &err);
        code = err.code;
    }
    run_report_clear(&report);
    configuration_clear(&config);
    this_host_clear(&host);
    caller_clear(&storage);
    return code;
}
