#include "config.h"
#include "command/send.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "cli/caller.h"
#include "command/help.h"
#include "command/report.h"
#include "command/terminal.h"
#include "config/thishost.h"
#include "delivery/connection.h"
#include "delivery/submission.h"
#include "delivery/verdict.h"

/* All that one call has at hand. */
struct sending {
    const struct invocation *call;
    const struct paths *paths;
    struct caller_storage storage;
    struct caller caller;
    struct this_host host;
    struct configuration config;
    struct source source;
    struct submission submission;
    struct content content;
    struct outcome *outcomes;
    struct str final; /* the reply to the content */
    char *last_host;  /* that was talked to */
    FILE *dialogue;   /* where -v goes */
};

static void show_dialogue(void *context, enum trace_kind kind, const char *line, size_t len)
{
    const struct sending *s = context;
    (void)fprintf(s->dialogue, "%s %.*s\n", kind == TRACE_SENT ? "-->" : "<--", (int)len, line);
    (void)fflush(s->dialogue); /* in the order in which things happen */
}

static void show_account(const struct sending *s)
{
    const struct account *a = s->submission.account;
    struct str text = {0};
    account_print(a, &text);
    if (a->level == LEVEL_COMMAND_LINE)
        (void)fprintf(s->dialogue, "using the command line only\n%s", str_text(&text));
    else
        (void)fprintf(s->dialogue, "%susing account %s from %s\n%s", str_text(&s->config.files),
                      a->name, a->file, str_text(&text));
    str_clear(&text);
}

/* --host: no file is read at all. */
static bool account_of_command_line(struct sending *s, struct error *err)
{
    struct account *a = account_new("", LEVEL_COMMAND_LINE);
    configuration_add_account(&s->config, a);
    account_apply_msmtp_defaults(a);
    s->submission.account = a;
    const struct key *host = key_find(KEY_ACCOUNT, "host");
    key_mark(&a->set, host);
    return key_parse(host, a, s->call->host, s->caller.home, err);
}

static bool choose_account(struct sending *s, struct error *err)
{
    const struct invocation *call = s->call;
    if (call->host) {
        if (!account_of_command_line(s, err))
            return false;
    } else if (!configuration_read(&s->config, s->paths, &s->caller, call->file, err) ||
               !submission_route(&s->submission, &s->config, err)) {
        return false;
    }
    return invocation_override(call, s->submission.account, s->caller.home, err) &&
           account_check(s->submission.account, err);
}

static void apply_dsn_options(const struct invocation *call, struct envelope *env)
{
    if (call->notify_given)
        env->notify = call->notify;
    if (call->return_given)
        env->dsn_return = call->dsn_return;
    if (*call->envid)
        memory_replace(&env->envid, call->envid);
    env->body_8bit_wish = call->body_8bit_wish;
}

static bool write_content(struct sending *s, struct error *err)
{
    const char *directory = getenv("TMPDIR");
    struct content_writer writer;
    content_write_to(&writer, &s->content, directory && *directory == '/' ? directory : "/tmp");
    return submission_write(&s->submission, &writer.output, &s->content.has_8bit,
                            &s->content.has_8bit_header, err);
}

static void tell_warnings(const struct sending *s)
{
    for (size_t i = 0; i < s->submission.warnings.n; i++)
        report_line(s->call->program, "%s", s->submission.warnings.item[i]);
}

static bool prepare(struct sending *s, struct error *err)
{
    if (!submission_read(&s->submission, err) || !choose_account(s, err))
        return false;
    if (s->call->verbose)
        show_account(s);
    bool ok = submission_finish(&s->submission, &s->config, time(NULL), err);
    tell_warnings(s);
    apply_dsn_options(s->call, &s->submission.envelope);
    return ok && write_content(s, err);
}

static bool relay(struct sending *s, struct error *err)
{
    const struct account *a = s->submission.account;
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    const struct password_sources passwords = {
        .paths = s->paths,
        .caller = &s->caller,
        .credentials_directory = credentials ? credentials : "",
        .deadline = clock_after(a->timeout),
        .ask = terminal_ask,
    };
    const struct connection_options options = {
        .passwords = &passwords,
        .host_name = s->host.full_name,
        .trace = s->call->verbose ? show_dialogue : NULL,
        .context = s,
    };
    struct connection *connection = connection_open(a, &options, err);
    if (!connection)
        return false;
    s->last_host = memory_copy(connection_host(connection));
    bool ok = connection_send(connection, &s->submission.envelope, &s->content, s->outcomes,
                              &s->final, err);
    connection_close(connection);
    return ok;
}

static void log_result(const struct sending *s, const struct error *err, int code)
{
    const bool sent = code == EX_OK;
    const char *reply = sent ? str_text(&s->final) : err ? err->reply : "";
    const struct logline facts = {
        .account = s->submission.account,
        .host = s->last_host ? s->last_host : "",
        .envelope = &s->submission.envelope,
        .mailsize = sent ? s->content.size : 0,
        .reply_code = sent  ? 250
                      : err ? err->reply_code
                            : 0,
        .reply = reply,
        .error = err ? err->text : "",
        .code = code,
    };
    report_log(s->call->program, &facts);
}

static int fail(const struct sending *s, const struct error *err, int code)
{
    const struct account *a = s->submission.account;
    const char *program = s->call->program;
    report_error(program, err);
    if (a && a->level == LEVEL_COMMAND_LINE)
        report_line(program, "could not send mail");
    else if (a)
        report_line(program, "could not send mail (account %s from %s)", a->name, a->file);
    log_result(s, err, code);
    return code;
}

/* Recipients that the server put off with 452 and never took have no reply of their own. */
static void describe_put_off(const struct verdict *v, struct error *err)
{
    (void)error_set(err, ERROR_RECIPIENT, ERROR_TEMPORARY, EX_TEMPFAIL,
                    "the server did not take %zu of the recipients now", v->deferred);
}

static int report_partly(const struct sending *s, const struct verdict *v)
{
    const struct account *a = s->submission.account;
    const char *program = s->call->program;
    struct error err;
    if (v->worst < s->submission.envelope.n)
        outcome_to_error(&s->outcomes[v->worst], &err);
    else
        describe_put_off(v, &err);
    report_refusals(program, &s->submission.envelope, s->outcomes);
    if (v->worst == s->submission.envelope.n)
        report_line(program, "%s", err.text);
    const char *what = v->sent ? "could not send mail to all recipients" : "could not send mail";
    if (a->level == LEVEL_COMMAND_LINE)
        report_line(program, "%s", what);
    else
        report_line(program, "%s (account %s from %s)", what, a->name, a->file);
    log_result(s, &err, v->code);
    return v->code;
}

static int deliver(struct sending *s)
{
    struct error err;
    size_t n = s->submission.envelope.n;
    s->outcomes = memory_new(n * sizeof *s->outcomes);
    bool ok = relay(s, &err);
    struct verdict v = verdict_of(s->outcomes, n, ok ? NULL : &err);
    if (v.code == EX_OK) {
        log_result(s, NULL, EX_OK);
        return EX_OK;
    }
    if (ok)
        return report_partly(s, &v);
    report_refusals(s->call->program, &s->submission.envelope, s->outcomes);
    return fail(s, &err, v.code);
}

/* -P: as for sending, but without recipients; a terminal is not waited for. */
static bool print_configuration(struct sending *s, struct error *err)
{
    bool ok = isatty(STDIN_FILENO) || header_read(&s->submission.header, &s->source, err);
    if (!ok || !choose_account(s, err))
        return false;
    show_account(s);
    return true;
}

static void clear(struct sending *s)
{
    if (s->outcomes)
        outcome_clear(s->outcomes, s->submission.envelope.n);
    free(s->outcomes);
    free(s->last_host);
    str_clear(&s->final);
    content_clear(&s->content);
    submission_clear(&s->submission);
    source_clear(&s->source);
    configuration_clear(&s->config);
    this_host_clear(&s->host);
    caller_clear(&s->storage);
}

static int run(struct sending *s)
{
    struct error err;
    if (s->call->mode == INVOKE_PRINT) {
        s->dialogue = stdout;
        if (print_configuration(s, &err))
            return help_flush();
        report_error(s->call->program, &err);
        return err.code;
    }
    if (prepare(s, &err))
        return deliver(s);
    report_drain_input();
    return fail(s, &err, err.code);
}

int send_run(const struct invocation *call, const struct paths *paths)
{
    struct sending s = {.call = call, .paths = paths};
    caller_find(&s.caller, &s.storage);
    this_host_read(&s.host, paths);
    s.dialogue = call->personality == PERSONALITY_SENDMAIL ? stderr : stdout;
    s.source = (struct source){
        .fd = STDIN_FILENO,
        .lone_dot_ends = !call->dots_are_text && isatty(STDIN_FILENO),
    };
    s.submission = (struct submission){
        .wishes = &call->wishes,
        .caller = &s.caller,
        .host = &s.host,
        .paths = paths,
        .source = &s.source,
    };
    int code = run(&s);
    clear(&s);
    return code;
}
