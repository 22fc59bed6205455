#include "config.h"
#include "submit/send.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "config/permission.h"
#include "config/tokensource.h"
#include "submit/asmsmtp.h"
#include "submit/direct.h"
#include "submit/enqueue.h"
#include "submit/help.h"
#include "submit/report.h"
#include "submit/send_context.h"
#include "submit/service_client.h"
#include "submit/serviceuser.h"

static void show_account(const struct send_context *s)
{
    const struct account *a = s->submission.account;
    struct str text = {0};
    if (s->call->personality == PERSONALITY_MSMTP) {
        asmsmtp_show_account(s);
        return;
    }
    account_print(a, &text);
    if (a->scope == SCOPE_COMMAND_LINE)
        (void)fprintf(s->dialogue, "using the command line only\n%s", str_text(&text));
    else
        (void)fprintf(s->dialogue, "using account %s from %s\n%s", a->name, a->file,
                      str_text(&text));
    str_clear(&text);
}

/* --host: no file is read at all. */
static bool account_of_command_line(struct send_context *s, struct error *err)
{
    s->submission.account = configuration_describe(&s->site->config, s->call->host, "", err);
    return s->submission.account != NULL;
}

static bool read_configuration(struct send_context *s, struct error *err)
{
    return s->site->configured || site_configure(s->site, s->call->file, err);
}

static bool account_of_files(struct send_context *s, struct error *err)
{
    if (!asmsmtp_check_file(s, err) || !read_configuration(s, err))
        return false;
    asmsmtp_show_files(s);
    return submission_route(&s->submission, err) || asmsmtp_environment(s);
}

static void add_override(struct override *list, size_t *n, const char *name, const char *value)
{
    list[(*n)++] = (struct override){key_find(KEY_ACCOUNT, name), value};
}

/* What the call says about the account's keys, by options or otherwise. */
static bool make_identity(struct send_context *s, const struct account *a, struct error *err)
{
    enum { OTHERS = 2 };
    const struct invocation *call = s->call;
    size_t n = call->overrides;
    struct override *list = memory_resize(NULL, n + OTHERS, sizeof *list);
    if (n > 0)
        memcpy(list, call->override, n * sizeof *list);
    if (*s->asked_mode)
        add_override(list, &n, "delivery_mode", s->asked_mode);
    if (s->anonymous && !*a->maildir)
        add_override(list, &n, "auth", "off");
    char *from = submission_header_from(&s->submission);
    const struct identity_facts facts = {
        .site = s->site,
        .caller = &s->site->caller,
        .header_from = from,
        .override = list,
        .overrides = n,
    };
    bool ok = identity_make(&s->identity, a, &facts, err);
    s->submission.account = s->identity.account;
    free(from);
    free(list);
    return ok;
}

bool send_choose_account(struct send_context *s, struct error *err)
{
    const struct invocation *call = s->call;
    if (!(call->host ? account_of_command_line(s, err) : account_of_files(s, err)))
        return false;
    const struct account *a = s->submission.account;
    if (a->scope == SCOPE_SYSTEM && !permission_check(a, &s->site->caller, err))
        return false;
    return make_identity(s, a, err);
}

/* What the caller asked for, else what the account asks for; on the way to the service it is the
 * service's to add that. A dialogue's parameters of one recipient come before both. */
static void apply_dsn_options(struct send_context *s, bool to_service)
{
    const struct invocation *call = s->call;
    const struct account *account = s->submission.account;
    struct envelope *env = &s->submission.envelope;
    if (call->notify_given)
        envelope_default_notify(env, call->notify);
    else if (!to_service)
        envelope_default_notify(env, account_dsn_notify(account));
    if (call->return_given)
        env->dsn_return = call->dsn_return;
    else if (!to_service && env->dsn_return == DSN_RETURN_UNSET)
        env->dsn_return = (enum dsn_return)account->dsn_return;
    if (*call->envid)
        memory_replace(&env->envid, call->envid);
    env->body_8bit_wish = env->body_8bit_wish || call->body_8bit_wish;
}

static void tell_warnings(const struct send_context *s)
{
    for (size_t i = 0; i < s->submission.warnings.n; i++)
        report_line(s->site->program, "%s", s->submission.warnings.item[i]);
}

/* Settings of the command line are no business of the service, but for the delivery mode and what
 * the client does itself. */
static bool is_plain(const struct send_context *s)
{
    for (size_t i = 0; i < s->call->overrides; i++) {
        const char *name = s->call->override[i].key->name;
        if (strcmp(name, "delivery_mode") != 0 && strcmp(name, "remove_bcc_headers") != 0)
            return false;
    }
    return !s->call->file;
}

bool send_has_secrets(const struct account *a, const struct site *site)
{
    if (*a->maildir) /* one that is missing is perhaps the caller's to make */
        return access(a->maildir, W_OK) == 0 || errno == ENOENT;
    const bool has_login = account_has_oauth(a) ? tokensource_is_readable(a, site)
                                                : caller_can_read(&site->caller, a->password_file);
    return has_login && (!*a->tls_key_file || access(a->tls_key_file, R_OK) == 0);
}

/* An account of the system's is used through the service if that answers (*LINE); else by root as
 * the service's user; else by the callers that can read the secret. */
static bool find_way(struct send_context *s, struct stream **line, struct error *err)
{
    struct error missing = {0};
    *line = NULL;
    const struct account *a = s->submission.account;
    /* What msmtp's file says without a queue is done here, as msmtp does it. */
    if (s->here || a->scope != SCOPE_SYSTEM || (a->as_msmtp && !a->queue))
        return true;
    if (is_plain(s) && (*line = service_client_open(s->site->paths, &missing)) != NULL)
        return true;
    if (!serviceuser_become(err))
        return false;
    if (send_has_secrets(a, s->site))
        return true;
    if (is_plain(s)) {
        *err = missing;
        if (*a->maildir)
            return error_prefix(err, "account %s is the system's and %s is not for %s to write",
                                a->name, a->maildir, s->site->caller.name);
        return error_prefix(err,
                            "account %s is the system's and its password is not for %s to read",
                            a->name, s->site->caller.name);
    }
    return error_usage(err,
                       "account %s is the system's: whoever cannot read its password can neither "
                       "change its settings by options nor use -C",
                       a->name);
}

/* Where the system's files are broken or say nothing, the service decides by what it has read:
 * *LINE leads to it, or is NULL if an account of the caller's own serves. False: there is no such
 * way. */
static bool choose_without_system(struct send_context *s, struct stream **line)
{
    struct error ignored; /* what the system's files said is what is reported */
    const struct site *site = s->site;
    if (s->here || s->call->host || !is_plain(s) || (site->configured && site->config.n > 0))
        return false;
    *line = service_client_open(site->paths, &ignored);
    bool known = *line && (site->configured || site_configure_user(s->site, &ignored));
    bool own = known && site->config.n > 0 && send_choose_account(s, &ignored);
    if (known && !own)
        return true;
    stream_close(*line);
    *line = NULL;
    return own;
}

static bool choose_way(struct send_context *s, struct stream **line, struct error *err)
{
    return send_choose_account(s, err) ? find_way(s, line, err) : choose_without_system(s, line);
}

static bool finish(struct send_context *s, struct error *err)
{
    if (s->call->verbose)
        show_account(s);
    if (!asmsmtp_check_account(s, err))
        return false;
    apply_dsn_options(s, false);
    bool ok = submission_finish(&s->submission, (time_t)clock_wall(), err);
    tell_warnings(s);
    if (*s->received)
        header_prepend(&s->submission.header, "Received", s->received);
    return ok;
}

/* -P: as for sending, but without recipients; a terminal is not waited for. */
static bool print_configuration(struct send_context *s, struct error *err)
{
    bool ok = isatty(STDIN_FILENO) || header_read(&s->submission.header, &s->source, err);
    if (!ok || !send_choose_account(s, err))
        return false;
    show_account(s);
    return true;
}

/* Notes, for the log, the sender for whom no account was found. */
static void log_sender(struct send_context *s)
{
    const struct submission_wishes *wishes = s->submission.wishes;
    char *header = submission_header_from(&s->submission);
    if (!s->submission.envelope.sender)
        envelope_set_sender(&s->submission.envelope, wishes->from ? wishes->from
                                                     : *header    ? header
                                                                  : s->site->caller.name);
    free(header);
}

static int fail(struct send_context *s, const struct error *err)
{
    log_sender(s);
    const struct logline facts = {
        .account = s->submission.account,
        .host = "",
        .envelope = &s->submission.envelope,
        .header = &s->submission.header,
        .error = err,
        .queue_id = "",
        .code = err->code,
    };
    send_context_drain(s);
    report_log(s->site->program, &facts);
    return send_context_report(s, err, err->code);
}

int send_message(struct send_context *s)
{
    struct stream *line;
    struct error err;
    if (!submission_read(&s->submission, &err) || !choose_way(s, &line, &err))
        return fail(s, &err);
    if (line) {
        apply_dsn_options(s, true);
        return service_client_send(s, line);
    }
    if (!finish(s, &err))
        return fail(s, &err);
    return s->submission.account->queue ? enqueue_run(s) : direct_run(s);
}

static int run(struct send_context *s)
{
    struct error err;
    if (s->call->mode == INVOKE_PRINT) {
        s->dialogue = stdout;
        if (print_configuration(s, &err))
            return help_flush();
        report_error(s->site->program, &err);
        return err.code;
    }
    return send_message(s);
}

int send_run(const struct invocation *call, struct site *site)
{
    struct send_context s = {0};
    send_context_begin(&s, call, site);
    int code = run(&s);
    send_context_clear(&s);
    return code;
}
