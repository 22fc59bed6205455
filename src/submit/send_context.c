#include "config.h"
#include "submit/send_context.h"

#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/translation.h"
#include "submit/dialogue.h"
#include "submit/first_try.h"
#include "submit/report.h"
#include "submit/terminal.h"

void send_context_show_dialogue(void *context, enum trace_kind kind, const char *line, size_t len)
{
    const struct send_context *s = context;
    dialogue_show(s->dialogue, kind, line, len);
}

void send_context_begin(struct send_context *s, const struct invocation *call, struct site *site)
{
    s->call = call;
    s->site = site;
    s->dialogue = call->personality == PERSONALITY_SENDMAIL ? stderr : stdout;
    s->source = (struct source){
        .fd = STDIN_FILENO,
        .lone_dot_ends = !call->dots_are_text && isatty(STDIN_FILENO),
    };
    s->received = "";
    send_context_again(s);
}

void send_context_again(struct send_context *s)
{
    submission_clear(&s->submission);
    identity_clear(&s->identity);
    s->submission = (struct submission){
        .wishes = &s->call->wishes,
        .site = s->site,
        .source = &s->source,
    };
    s->error = (struct error){0};
    s->asked_mode = "";
    s->id[0] = '\0';
}

void send_context_drain(const struct send_context *s)
{
    if (s->submission.source == &s->source) /* else the rest is a dialogue */
        report_drain_input();
}

void send_context_prepare_connection(struct send_context *s)
{
    s->passwords = (struct password_sources){
        .site = s->site,
        .ask = s->here ? NULL : terminal_ask,
    };
    s->options = (struct connection_options){
        .passwords = &s->passwords,
        .trace = s->call->verbose ? send_context_show_dialogue : NULL,
        .before_network = first_try_confine,
        .context = s,
    };
}

static void report_end(const struct send_context *s, const char *what)
{
    const struct account *a = s->submission.account;
    if (a && a->scope == SCOPE_COMMAND_LINE)
        report_line(s->site->program, "%s", _(what));
    else if (a)
        report_line(s->site->program, "%s (account %s from %s)", _(what), a->name, _(a->file));
}

int send_context_report(struct send_context *s, const struct error *err, int code)
{
    s->error = *err;
    if (s->quiet)
        return code;
    report_error(s->site->program, err);
    report_end(s, N_("could not send mail"));
    return code;
}

void send_context_report_attempt(struct send_context *s, const struct attempt *attempt,
                                 const struct verdict *verdict)
{
    if (verdict->why)
        s->error = *verdict->why;
    else /* deferred with 452 and never taken: such recipients have no reply of their own */
        (void)error_set(&s->error, ERROR_RECIPIENT, ERROR_TEMPORARY, EX_TEMPFAIL,
                        "the server did not take %zu of the recipients now", verdict->deferred);
    if (s->quiet)
        return;
    report_refusals(s->site->program, &s->submission.envelope, attempt->outcomes);
    if (attempt->failed)
        report_error(s->site->program, &attempt->failure);
    else if (!verdict->why)
        report_error(s->site->program, &s->error);
    report_end(s, verdict->sent ? N_("could not send mail to all recipients")
                                : N_("could not send mail"));
}

void send_context_clear(struct send_context *s)
{
    first_try_end(s);
    submission_clear(&s->submission);
    source_clear(&s->source);
    identity_clear(&s->identity);
}
