#include "config.h"
#include "ctl/serverinfo.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/escape.h"
#include "base/translation.h"
#include "compat/msmtpcode.h"
#include "delivery/verdict.h"
#include "submit/asmsmtp.h"
#include "submit/dialogue.h"
#include "submit/help.h"
#include "submit/report.h"
#include "submit/send.h"
#include "submit/send_context.h"

struct server {
    struct send_context sending;
    struct str greeting, address, tls;
};

static void trace(void *context, enum trace_kind kind, const char *line, size_t len)
{
    struct server *v = context;
    if (v->greeting.len == 0 && kind == TRACE_RECEIVED && len > 4)
        str_add_n(&v->greeting, line + 4, len - 4);
    if (v->sending.call->verbose)
        dialogue_show(v->sending.dialogue, kind, line, len);
}

static void step(void *context, const char *name, const char *detail, const struct error *err)
{
    struct server *v = context;
    if (!err && strcmp(name, "connect") == 0)
        str_add(&v->address, detail);
    if (!err && strcmp(name, "tls") == 0)
        str_add(&v->tls, detail);
}

/* The value of NAME in the lines "NAME = VALUE" that tls_describe() made, by FORMAT. */
static void show_tls_value(const struct server *v, const char *name, const char *format)
{
    size_t len = strlen(name);
    for (const char *line = str_text(&v->tls); *line;) {
        size_t line_len = strcspn(line, "\n");
        if (strncmp(line, name, len) == 0 && strncmp(line + len, " = ", 3) == 0) {
            struct str shown = {0};
            escape_line(&shown, line + len + 3, line_len - len - 3);
            (void)printf(format, str_text(&shown));
            str_clear(&shown);
        }
        line += line_len + (line[line_len] == '\n');
    }
}

static void show_tls(const struct server *v)
{
    if (v->tls.len == 0)
        return;
    (void)printf("%s\n", _("TLS session parameters:"));
    show_tls_value(v, "cipher", "    %s\n");
    (void)printf("%s\n", _("TLS certificate information:\n    Subject:"));
    show_tls_value(v, "subject", "        %s\n");
    (void)printf("    %s\n", _("Issuer:"));
    show_tls_value(v, "issuer", "        %s\n");
    (void)printf("    %s\n", _("Validity:"));
    show_tls_value(v, "valid from", _("        Activation time: %s\n"));
    show_tls_value(v, "valid until", _("        Expiration time: %s\n"));
    (void)printf("    %s\n", _("Fingerprints, for tls_fingerprint:"));
    show_tls_value(v, "sha256", "        SHA256: %s\n");
    show_tls_value(v, "spki sha256", _("        SHA256 of the key: spki:%s\n"));
}

static void show_size(uint64_t limit)
{
    if (limit)
        (void)printf(_("    SIZE %" PRIu64 ":\n        Maximum message size is %" PRIu64
                       " bytes = %.2f MiB\n"),
                     limit, limit, (double)limit / (1024 * 1024));
    else
        (void)printf("    SIZE:\n        %s\n", _("Maximum message size unspecified"));
}

static void show_capabilities(const struct server *v, const struct session_capabilities *offers)
{
    const struct account *a = v->sending.submission.account;
    bool starttls = offers->starttls || (a->tls && !account_implicit_tls(a));
    const struct {
        bool offered;
        const char *name, *meaning;
    } extensions[] = {
        {offers->pipelining, "PIPELINING",
         N_("Support for command grouping for faster transmission")},
        {offers->chunking, "CHUNKING", N_("Support for content in chunks (BDAT)")},
        {offers->eightbit, "8BITMIME", N_("Support for 8-bit content")},
        {offers->smtputf8, "SMTPUTF8", N_("Support for non-ASCII mail addresses")},
        {offers->etrn, "ETRN", N_("Support for RMQS (Remote Message Queue Starting)")},
        {offers->dsn, "DSN", N_("Support for Delivery Status Notifications")},
        {starttls, "STARTTLS", N_("Support for TLS encryption via the STARTTLS command")},
    };
    bool any = offers->size || offers->auth;
    for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++)
        any = any || extensions[i].offered;
    if (!any) {
        (void)printf("%s\n", _("No special capabilities."));
        return;
    }
    (void)printf("%s\n", _("Capabilities:"));
    if (offers->size)
        show_size(offers->size_limit);
    for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++)
        if (extensions[i].offered)
            (void)printf("    %s:\n        %s\n", extensions[i].name, _(extensions[i].meaning));
    if (offers->auth) {
        const char *names = str_text(&offers->mechanisms);
        (void)printf("    AUTH:\n        %s\n        %s\n", _("Supported authentication methods:"),
                     names + (*names == ' '));
    }
    if (offers->starttls && !a->tls)
        (void)printf("%s\n", _("This server might advertise more or other capabilities when TLS is "
                               "active."));
}

static void show(const struct server *v, struct connection *connection)
{
    const struct account *a = v->sending.submission.account;
    const char *kind = a->protocol == PROTOCOL_LMTP ? "LMTP" : "SMTP";
    if (*a->socket)
        (void)printf(_("%s server at %s:\n"), kind, a->socket);
    else
        (void)printf(_("%s server at %s ([%s]), port %d:\n"), kind, connection_host(connection),
                     str_text(&v->address), account_port(a));
    (void)printf("    %s\n", str_text(&v->greeting));
    show_tls(v);
    show_capabilities(v, connection_capabilities(connection));
}

static int report(const struct server *v, const struct error *err)
{
    const struct invocation *call = v->sending.call;
    report_error(call->program, err);
    return call->personality == PERSONALITY_MSMTP ? msmtpcode_of(err) : verdict_code(err);
}

static int run(struct server *v)
{
    struct send_context *s = &v->sending;
    struct error err;
    bool queue = s->call->rmqs != NULL;
    s->anonymous = !queue;
    bool chosen = send_choose_account(s, &err);
    const struct account *a = s->submission.account;
    if (chosen && *a->maildir)
        chosen = error_usage(&err, "account %s has no server: its mail is kept in %s", a->name,
                             a->maildir);
    if (!chosen) {
        report_error(s->call->program, &err);
        return err.code;
    }
    if (s->call->verbose && s->call->personality == PERSONALITY_MSMTP)
        asmsmtp_show_account(s);
    send_context_prepare_connection(s);
    s->options.trace = trace;
    s->options.step = step;
    s->options.context = v;
    struct connection *connection = connection_open(a, &s->options, &err);
    bool ok = connection && (!queue || connection_start_queue(connection, s->call->rmqs, &err));
    int code = ok ? EX_OK : report(v, &err);
    if (ok && !queue)
        show(v, connection);
    connection_close(connection);
    return code;
}

int serverinfo_run(const struct invocation *call, struct site *site)
{
    struct server v = {0};
    send_context_begin(&v.sending, call, site);
    int code = run(&v);
    send_context_clear(&v.sending);
    str_clear(&v.greeting);
    str_clear(&v.address);
    str_clear(&v.tls);
    return code == EX_OK ? help_flush() : code;
}
