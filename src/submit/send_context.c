#include "config.h"
#include "submit/send_context.h"

#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "submit/report.h"
#include "submit/terminal.h"
#include "submit/trace.h"

static void show_dialogue(void *context, enum trace_kind kind, const char *line, size_t len)
{
    const struct sending *s = context;
    dialogue_show(s->dialogue, kind, line, len);
}

void sending_begin(struct sending *s, const struct invocation *call, const struct paths *paths)
{
    s->call = call;
    s->paths = paths;
    caller_find(&s->caller, &s->storage);
    s->caller.as_msmtp = call->personality == PERSONALITY_MSMTP;
    this_host_read(&s->host, paths);
    s->dialogue = call->personality == PERSONALITY_SENDMAIL ? stderr : stdout;
    s->source = (struct source){
        .fd = STDIN_FILENO,
        .lone_dot_ends = !call->dots_are_text && isatty(STDIN_FILENO),
    };
    s->received = "";
    sending_again(s);
}

void sending_again(struct sending *s)
{
    submission_clear(&s->submission);
    s->submission = (struct submission){
        .wishes = &s->call->wishes,
        .caller = &s->caller,
        .host = &s->host,
        .paths = s->paths,
        .source = &s->source,
    };
    s->error = (struct error){0};
    s->asked_notify = false;
    s->asked_mode = -1;
    s->id[0] = '\0';
}

enum account_mode sending_mode(const struct sending *s)
{
    int mode = s->asked_mode >= 0 ? s->asked_mode : s->submission.account->delivery_mode;
    return (enum account_mode)mode;
}

void sending_drain(const struct sending *s)
{
    if (!s->source.read)
        report_drain_input();
}

void sending_prepare_connection(struct sending *s)
{
    s->passwords = (struct password_sources){
        .paths = s->paths,
        .caller = &s->caller,
        .credentials_directory = caller_credentials(),
        .ask = s->here ? NULL : terminal_ask,
    };
    s->options = (struct connection_options){
        .passwords = &s->passwords,
        .host_name = s->host.full_name,
        .trace = s->call->verbose ? show_dialogue : NULL,
        .context = s,
    };
}

static void report_end(const struct sending *s, const char *what)
{
    const struct account *a = s->submission.account;
    if (a && a->level == LEVEL_COMMAND_LINE)
        report_line(s->call->program, "%s", what);
    else if (a)
        report_line(s->call->program, "%s (account %s from %s)", what, a->name, a->file);
}

int sending_report(struct sending *s, const struct error *err, int code)
{
    s->error = *err;
    if (s->quiet)
        return code;
    report_error(s->call->program, err);
    report_end(s, "could not send mail");
    return code;
}

void sending_report_attempt(struct sending *s, const struct outcome *outcomes,
                            const struct verdict *verdict, const struct error *failure,
                            struct error *err)
{
    const struct envelope *env = &s->submission.envelope;
    bool one_is_worst = verdict->worst < env->n;
    if (one_is_worst)
        outcome_to_error(&outcomes[verdict->worst], err);
    else if (failure)
        *err = *failure;
    else /* put off with 452 and never taken: such recipients have no reply of their own */
        (void)error_set(err, ERROR_RECIPIENT, ERROR_TEMPORARY, EX_TEMPFAIL,
                        "the server did not take %zu of the recipients now", verdict->deferred);
    s->error = *err;
    if (s->quiet)
        return;
    report_refusals(s->call->program, env, outcomes);
    if (failure)
        report_error(s->call->program, failure);
    else if (!one_is_worst)
        report_error(s->call->program, err);
    report_end(s, verdict->sent ? "could not send mail to all recipients" : "could not send mail");
}

void sending_clear(struct sending *s)
{
    submission_clear(&s->submission);
    source_clear(&s->source);
    configuration_clear(&s->config);
    this_host_clear(&s->host);
    caller_clear(&s->storage);
}
