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

static void show_file(FILE *out, const char *scope, const char *file, int number)
{
    if (number)
        (void)fprintf(out, "ignoring %s configuration file %s: %s\n", scope, file,
                      strerror(number));
    else
        (void)fprintf(out, "loaded %s configuration file %s\n", scope, file);
}

void asmsmtp_show_files(const struct send_context *s)
{
    const struct configuration *config = &s->site->config;
    if (!is_msmtp(s) || (!s->call->verbose && s->call->mode != INVOKE_PRINT))
        return;
    show_file(s->dialogue, "system", config->system_file, config->note[SCOPE_SYSTEM].number);
    if (*config->user_file)
        show_file(s->dialogue, "user", config->user_file, config->note[SCOPE_USER].number);
}

enum style { PLAIN, RAW, WHOLE, SECONDS, METHOD, STARS, HEX, CONDITIONS, AMOUNT, FACILITY, HIDDEN };

/* In msmtp's order. PLAIN: nothing is "(not set)"; RAW: nothing is nothing; WHOLE: a number. */
static const struct {
    const char *label, *key;
    enum style style;
} rows[] = {
    {"host", "host", PLAIN},
    {"port", "port", WHOLE},
    {"source ip", "source_ip", PLAIN},
    {"proxy host", "proxy_host", PLAIN},
    {"proxy port", "proxy_port", WHOLE},
    {"socket", "socket", PLAIN},
    {"timeout", "timeout", SECONDS},
    {"protocol", "protocol", RAW},
    {"domain", "domain", RAW},
    {"auth", "auth", METHOD},
    {"user", "user", PLAIN},
    {"password", "password", STARS},
    {"passwordeval", "password_command", PLAIN},
    {"ntlmdomain", "ntlmdomain", PLAIN},
    {"tls", "tls", RAW},
    {"tls_starttls", "tls_starttls", RAW},
    {"tls_trust_file", "tls_trust_file", PLAIN},
    {"tls_crl_file", "tls_crl_file", PLAIN},
    {"tls_fingerprint", "tls_fingerprint", HEX},
    {"tls_key_file", "tls_key_file", PLAIN},
    {"tls_cert_file", "tls_cert_file", PLAIN},
    {"tls_certcheck", "tls_certcheck", RAW},
    {"tls_min_dh_prime_bits", "tls_min_dh_prime_bits", PLAIN},
    {"tls_priorities", "tls_priorities", PLAIN},
    {"tls_host_override", "tls_host_override", PLAIN},
    {"auto_from", "auto_from", RAW},
    {"maildomain", "maildomain", PLAIN},
    {"from", "from", PLAIN},
    {"from_full_name", "from_full_name", PLAIN},
    {"allow_from_override", "allow_from_override", RAW},
    {"set_from_header", "set_from_header", RAW},
    {"set_date_header", "set_date_header", RAW},
    {"set_msgid_header", "set_msgid_header", RAW},
    {"set_to_header", "set_to_header", RAW},
    {"remove_bcc_headers", "remove_bcc_headers", RAW},
    {"undisclosed_recipients", "set_to_header", HIDDEN},
    {"dsn_notify", "dsn_notify", CONDITIONS},
    {"dsn_return", "dsn_return", AMOUNT},
    {"logfile", "logfile", PLAIN},
    {"logfile_time_format", "logfile_time_format", PLAIN},
    {"syslog", "syslog", FACILITY},
    {"aliases", "aliases", PLAIN},
};

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

static void add_number(const struct account *a, const char *label, struct str *out)
{
    long proxy_port = a->proxy_port ? a->proxy_port : *a->proxy_host ? 1080 : 0;
    str_addf(out, "%ld", strcmp(label, "port") == 0 ? (long)account_port(a) : proxy_port);
}

static void add_value(const struct account *a, size_t row, struct str *out)
{
    const struct key *key = key_find(KEY_ACCOUNT, rows[row].key);
    bool evaluates = a->auth != AUTH_OFF && *a->password_command;
    switch (rows[row].style) {
    case PLAIN:
    case RAW:
        key_print(key, a, out);
        break;
    case WHOLE:
        add_number(a, rows[row].label, out);
        break;
    case SECONDS:
        if (a->timeout == 0)
            str_add(out, "off");
        else
            str_addf(out, "%lld second%s", (long long)(a->timeout / 1000),
                     a->timeout == 1000 ? "" : "s");
        break;
    case METHOD:
        if (a->auth == AUTH_OFF || a->auth == AUTH_ON)
            str_add(out, a->auth == AUTH_OFF ? "none" : "choose");
        else
            key_print(key, a, out);
        break;
    case STARS:
        str_add(out, a->password.len || evaluates ? "*" : "");
        break;
    case HEX:
        add_fingerprint(a->tls_fingerprint, out);
        break;
    case CONDITIONS:
        add_conditions(&a->dsn_notify, out);
        break;
    case AMOUNT:
        str_add(out, a->dsn_return == 0 ? "" : a->dsn_return == 1 ? "FULL" : "HDRS");
        break;
    case FACILITY:
        if (a->syslog == 1)
            str_add(out, "LOG_USER");
        else if (a->syslog)
            key_print(key, a, out);
        break;
    case HIDDEN:
        str_add(out, a->set_to_header == 2 ? "on" : "off");
        break;
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
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str value = {0};
        bool is_from = strcmp(rows[i].key, "from") == 0;
        if (is_from && sender && a->allow_from_override == OVERRIDE_ON && !a->auto_from)
            str_add(&value, sender);
        else
            add_value(a, i, &value);
        bool empty = value.len == 0 && rows[i].style != RAW;
        (void)fprintf(s->dialogue, "%s = %s\n", rows[i].label,
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
