#include "config.h"
#include "submit/asmsmtp.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/memory.h"
#include "message/complete.h"
#include "net/socks.h"
#include "cli/environment.h"

static bool is_msmtp(const struct send_context *s)
{
    return s->call->personality == PERSONALITY_MSMTP;
}

bool asmsmtp_check_file(const struct send_context *s, struct error *err)
{
    if (!is_msmtp(s) || !s->call->file || access(s->call->file, R_OK) == 0)
        return true;
    (void)error_system(err, EX_IOERR, "%s", s->call->file);
    return false;
}

static void show_file(FILE *out, const char *scope, const struct found_file *file)
{
    if (file->number)
        (void)fprintf(out, "ignoring %s configuration file %s: %s\n", scope, file->path,
                      strerror(file->number));
    else
        (void)fprintf(out, "loaded %s configuration file %s\n", scope, file->path);
}

void asmsmtp_show_files(const struct send_context *s)
{
    const struct found_file *found = s->site->config.found;
    if (!is_msmtp(s) || (!s->call->verbose && s->call->mode != INVOKE_PRINT))
        return;
    show_file(s->dialogue, "system", &found[SCOPE_SYSTEM]);
    if (*found[SCOPE_USER].path)
        show_file(s->dialogue, "user", &found[SCOPE_USER]);
}

static void add_fingerprint(const char *text, struct str *out)
{
    size_t digits = 0;
    for (const char *p = text; *p; p++)
        if (isxdigit((unsigned char)*p)) {
            if (digits && digits % 2 == 0)
                str_add_char(out, ':');
            str_add_char(out, (char)toupper((unsigned char)*p));
            digits++;
        }
}

static void add_conditions(const struct strlist *list, struct str *out)
{
    for (size_t i = 0; i < list->n; i++) {
        if (strcasecmp(list->item[i], "off") == 0)
            continue;
        str_add(out, out->len ? "," : "");
        for (const char *p = list->item[i]; *p; p++)
            str_add_char(out, (char)toupper((unsigned char)*p));
    }
}

static void add_seconds(int64_t milliseconds, struct str *out)
{
    long long seconds = (long long)(milliseconds / 1000);
    if (seconds)
        str_addf(out, "%lld second%s", seconds, seconds == 1 ? "" : "s");
    else
        str_add(out, "off");
}

static long port_of(const struct key *key, const struct account *a)
{
    if (key->offset == offsetof(struct account, port))
        return account_port(a);
    return a->proxy_port ? a->proxy_port : *a->proxy_host ? SOCKS_PORT : 0;
}

static void add_value(const struct account *a, const struct key *key, struct str *out)
{
    static const char *const amounts[] = {
        [DSN_RETURN_UNSET] = "", [DSN_RETURN_FULL] = "FULL", [DSN_RETURN_HEADERS] = "HDRS"};
    bool evaluates = a->auth != AUTH_OFF && *a->password_command;
    switch (key->style) {
    case KEY_SHOWN_PORT:
        str_addf(out, "%ld", port_of(key, a));
        return;
    case KEY_SHOWN_SECONDS:
        add_seconds(a->timeout, out);
        return;
    case KEY_SHOWN_STARS:
        str_add(out, a->password.len || evaluates ? "*" : "");
        return;
    case KEY_SHOWN_HEX:
        add_fingerprint(a->tls_fingerprint, out);
        return;
    case KEY_SHOWN_CONDITIONS:
        add_conditions(&a->dsn_notify, out);
        return;
    case KEY_SHOWN_AMOUNT:
        str_add(out, amounts[a->dsn_return]);
        return;
    case KEY_SHOWN_METHOD:
        if (a->auth == AUTH_OFF || a->auth == AUTH_ON)
            str_add(out, a->auth == AUTH_OFF ? "none" : "choose");
        else
            key_print(key, a, out);
        return;
    case KEY_SHOWN_FACILITY:
        if (a->syslog == SYSLOG_ON)
            str_add(out, "LOG_USER");
        else if (a->syslog)
            key_print(key, a, out);
        return;
    case KEY_SHOWN_UNDISCLOSED:
        key_print(key, a, out);
        str_addf(out, "\nundisclosed_recipients = %s",
                 a->set_to_header == COMPLETE_TO_UNDISCLOSED ? "on" : "off");
        return;
    case KEY_SHOWN_PLAIN:
    case KEY_SHOWN_AS_IT_IS:
        key_show(key, a, out);
        return;
    }
}

/* -f, or what --read-envelope-from found; NULL if the caller names no sender. */
static char *named_sender(const struct send_context *s)
{
    if (s->call->wishes.read_envelope_from)
        return submission_header_from(&s->submission);
    return s->call->wishes.from ? memory_copy(s->call->wishes.from) : NULL;
}

static void show_choice(const struct send_context *s, const char *sender)
{
    const struct account *a = s->submission.account;
    const struct route *route = &s->submission.route;
    FILE *out = s->dialogue;
    if (s->call->host)
        (void)fprintf(out, "using account specified on command line\n");
    else if (route->account && route->reason == ROUTE_FROM)
        (void)fprintf(out, "account chosen by envelope from address %s: %s\n",
                      sender ? sender : a->from, a->name);
    else if (!route->account || route->reason != ROUTE_NAMED)
        (void)fprintf(out, "falling back to default account\n");
    if (!s->call->host && a->scope == SCOPE_COMMAND_LINE)
        (void)fprintf(out, "using environment variables EMAIL and SMTPSERVER\n");
    else if (!s->call->host)
        (void)fprintf(out, "using account %s from %s\n", a->name, a->file);
}

void asmsmtp_show_account(const struct send_context *s)
{
    const struct account *a = s->submission.account;
    char *sender = named_sender(s);
    show_choice(s, sender);
    for (size_t i = 0; i < key_count; i++) {
        const struct key *key = &key_table[i];
        struct str value = {0};
        bool is_from = key->offset == offsetof(struct account, from);
        if (!key->command)
            continue;
        if (is_from && sender && a->allow_from_override == OVERRIDE_ON && !a->auto_from)
            str_add(&value, sender);
        else
            add_value(a, key, &value);
        bool empty = value.len == 0 && key->style != KEY_SHOWN_AS_IT_IS;
        (void)fprintf(s->dialogue, "%s = %s\n", key->label ? key->label : key->command,
                      empty ? "(not set)" : str_text(&value));
        str_clear(&value);
    }
    if (s->call->mode == INVOKE_SEND || s->call->mode == INVOKE_PRINT)
        (void)fprintf(s->dialogue, "reading recipients from the command line%s\n",
                      s->call->wishes.read_recipients ? " and the mail" : "");
    free(sender);
}

bool asmsmtp_environment(struct send_context *s)
{
    const char *server = environment_get("SMTPSERVER"), *email = environment_get("EMAIL");
    const struct submission_wishes *wishes = &s->call->wishes;
    bool sender_given = wishes->from || wishes->read_envelope_from;
    struct error ignored;
    if (s->call->personality == PERSONALITY_SENDMAIL || *wishes->account || !*server ||
        (!sender_given && !*email) || configuration_account(&s->site->config, "default"))
        return false;
    s->submission.account = configuration_describe(&s->site->config, server, email, &ignored);
    s->submission.route.account = NULL;
    return s->submission.account != NULL;
}

bool asmsmtp_check_account(const struct send_context *s, struct error *err)
{
    const struct account *a = s->submission.account;
    const struct submission_wishes *wishes = &s->call->wishes;
    bool given =
        (wishes->from || wishes->read_envelope_from) && a->allow_from_override == OVERRIDE_ON;
    if (!is_msmtp(s) || given || *a->from || s->call->mode != INVOKE_SEND)
        return true;
    (void)error_config(err, "envelope-from address is missing");
    return a->scope == SCOPE_COMMAND_LINE
               ? false
               : error_prefix(err, "account %s from %s", a->name, a->file);
}
