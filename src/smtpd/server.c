#include "config.h"
#include "smtpd/server.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/memory.h"
#include "base/xtext.h"
#include "smtpd/serverstate.h"

static void reset(struct server *server)
{
    envelope_clear(&server->envelope);
    server->mail = server->utf8 = false;
}

static void do_ehlo(struct server *server, const char *arguments)
{
    const struct server_params *params = server->params;
    if (!*arguments && !params->lenient) {
        (void)serverwire_refuse(server, 501, "5.5.4", "Syntax: EHLO hostname");
        return;
    }
    if (!serverwire_is_last(server))
        return;
    reset(server);
    server->hello = server->extended = true;
    struct str login = {0};
    serverlogin_announce(server, &login);
    serverwire_sayf(server, 250, "",
                    "%s\nPIPELINING\nSIZE %" PRIu64
                    "\n8BITMIME\nSMTPUTF8\nCHUNKING\nDSN\nENHANCEDSTATUSCODES%s%s%s",
                    params->name, params->size_max, str_text(&login),
                    *params->extension ? "\n" : "", params->extension);
    str_clear(&login);
}

static void do_helo(struct server *server, const char *arguments)
{
    if (!*arguments && !server->params->lenient) {
        (void)serverwire_refuse(server, 501, "5.5.4", "Syntax: HELO hostname");
        return;
    }
    reset(server);
    server->hello = true;
    server->extended = false;
    serverwire_sayf(server, 250, "", "%s", server->params->name);
}

static bool bad_parameter(struct server *server, const char *name)
{
    server->errors++;
    serverwire_sayf(server, 501, "5.5.4", "Invalid value of parameter %s", name);
    return false;
}

static bool take_size(struct server *server, const char *value)
{
    size_t digits = strspn(value, "0123456789");
    if (digits == 0 || value[digits])
        return bad_parameter(server, "SIZE");
    if (digits < 20 && strtoull(value, NULL, 10) <= server->params->size_max)
        return true;
    serverwire_sayf(server, 552, "5.3.4", "Message size exceeds the limit of %" PRIu64 " octets",
                    server->params->size_max);
    return false;
}

static bool take_private(struct server *server, const char *name, const char *value)
{
    struct str text = {0};
    const struct server_params *params = server->params;
    bool decoded = xtext_decode(&text, value);
    bool known = decoded && params->handler->parameter &&
                 params->handler->parameter(params->context, name, str_text(&text));
    str_clear(&text);
    return known ||
           serverwire_refuse(server, 555, "5.5.4", "Parameter not recognized or not implemented");
}

static bool take_mail_parameter(struct server *server, const char *name, const char *value)
{
    struct envelope *env = &server->envelope;
    if (strcmp(name, "SIZE") == 0)
        return take_size(server, value);
    if (strcmp(name, "SMTPUTF8") == 0 && !*value) {
        server->utf8 = true;
        return true;
    }
    if (strcmp(name, "BODY") == 0) {
        env->body_8bit_wish = strcasecmp(value, "8BITMIME") == 0;
        return env->body_8bit_wish || strcasecmp(value, "7BIT") == 0 || bad_parameter(server, name);
    }
    if (strcmp(name, "RET") == 0) {
        bool full = strcasecmp(value, "FULL") == 0;
        env->dsn_return = full ? DSN_RETURN_FULL : DSN_RETURN_HEADERS;
        return full || strcasecmp(value, "HDRS") == 0 || bad_parameter(server, name);
    }
    if (strcmp(name, "ENVID") == 0) {
        struct str text = {0};
        bool ok = *value && xtext_decode(&text, value);
        memory_replace(&env->envid, str_text(&text));
        str_clear(&text);
        return ok || bad_parameter(server, name);
    }
    return take_private(server, name, value);
}

/* "FROM:<path> parameters" of MAIL, "TO:..." of RCPT: fills ADDRESS and gives the parameters. */
static bool take_path(struct server *server, const char *verb, const char **arguments,
                      struct str *address)
{
    const char *keyword = *verb == 'M' ? "FROM:" : "TO:";
    size_t len = strlen(keyword);
    if (strncasecmp(*arguments, keyword, len) == 0) {
        *arguments += len;
        if (serverpath_read(arguments, server->params->lenient, address))
            return true;
    }
    server->errors++;
    serverwire_sayf(server, 501, "5.5.4", "Syntax: %s %s<user@example.com>", verb, keyword);
    return false;
}

static bool open_mail(struct server *server, const char *address, const char *parameters)
{
    struct server_reply reply = {0};
    server->mail = true; /* taken back below: what parameters say goes into the envelope */
    bool ok = server->params->handler->begin(server->params->context, &reply);
    if (!ok)
        serverwire_say(server, &reply);
    str_clear(&reply.text);
    if (!ok || !serverpath_parameters(server, parameters, take_mail_parameter))
        return false;
    if (!serverpath_is_mailbox(address, server->utf8))
        return serverwire_refuse(server, 553, "5.1.7", "Bad sender mailbox address syntax");
    envelope_set_sender(&server->envelope, address);
    serverwire_sayf(server, 250, "2.1.0", "Sender OK");
    return true;
}

static void do_mail(struct server *server, const char *arguments)
{
    struct str address = {0};
    if (!server->hello)
        (void)serverwire_refuse(server, 503, "5.5.1", "Bad sequence of commands: EHLO comes first");
    else if (server->mail)
        (void)serverwire_refuse(server, 503, "5.5.1", "Bad sequence of commands: nested MAIL");
    else if (!serverlogin_is_done(server))
        return;
    else if (take_path(server, "MAIL", &arguments, &address) &&
             !open_mail(server, str_text(&address), arguments))
        reset(server);
    str_clear(&address);
}

/* "TYPE;ADDRESS", the address as xtext or, with SMTPUTF8, beyond ASCII (RFC 6533, 3). It is kept as
 * it came: RFC 3461, 5.2.1 wants it relayed unchanged. */
static bool take_orcpt(struct server *server, const char *value)
{
    struct str text = {0};
    const char *semicolon = strchr(value, ';');
    bool ok = semicolon && semicolon > value && semicolon[1] && xtext_decode(&text, value) &&
              (server->utf8 || escape_is_ascii(value));
    str_clear(&text);
    if (!ok)
        return bad_parameter(server, "ORCPT");
    memory_replace(&server->rcpt.orcpt, value);
    return true;
}

static bool take_rcpt_parameter(struct server *server, const char *name, const char *value)
{
    if (strcmp(name, "NOTIFY") == 0)
        return dsn_read_notify(value, &server->rcpt.notify) || bad_parameter(server, name);
    if (strcmp(name, "ORCPT") == 0)
        return take_orcpt(server, value);
    return serverwire_refuse(server, 555, "5.5.4", "Parameter not recognized or not implemented");
}

static void forget_rcpt(struct server *server)
{
    free(server->rcpt.orcpt);
    server->rcpt = (struct recipient){0};
}

static void add_recipient(struct server *server, const char *address, const char *parameters)
{
    if (!*address || !serverpath_is_mailbox(address, server->utf8)) {
        (void)serverwire_refuse(server, 553, "5.1.3", "Bad destination mailbox address syntax");
    } else if (server->envelope.n >= SERVER_RECIPIENTS_MAX) {
        serverwire_sayf(server, 452, "4.5.3", "Too many recipients");
        server->commands++;
    } else if (serverpath_parameters(server, parameters, take_rcpt_parameter)) {
        envelope_ask(envelope_add(&server->envelope, address), &server->rcpt); /* twice is once */
        serverwire_sayf(server, 250, "2.1.5", "Recipient OK");
        server->commands = 0;
    }
    forget_rcpt(server);
}

static void do_rcpt(struct server *server, const char *arguments)
{
    struct str address = {0};
    if (!server->mail)
        (void)serverwire_refuse(server, 503, "5.5.1", "Bad sequence of commands: MAIL comes first");
    else if (take_path(server, "RCPT", &arguments, &address))
        add_recipient(server, str_text(&address), arguments);
    str_clear(&address);
}

static bool may_take(struct server *server)
{
    if (!server->mail)
        return serverwire_refuse(server, 503, "5.5.1",
                                 "Bad sequence of commands: MAIL comes first");
    return server->envelope.n > 0 || serverwire_refuse(server, 554, "5.5.1", "No valid recipients");
}

static void do_data(struct server *server, const char *arguments)
{
    if (*arguments)
        (void)serverwire_refuse(server, 501, "5.5.4", "Syntax: DATA");
    else if (may_take(server) && serverwire_is_last(server)) {
        servercontent_data(server);
        reset(server);
    }
}

static void do_bdat(struct server *server, const char *arguments)
{
    uint64_t size;
    bool last;
    if (!servercontent_chunk_size(arguments, &size, &last)) {
        (void)serverwire_refuse(server, 501, "5.5.4", "Syntax: BDAT size [LAST]");
        serverwire_hang_up(server); /* where the next command begins is not known */
    } else if (!may_take(server)) {
        servercontent_skip(server, size);
    } else {
        servercontent_chunk(server, size, last);
        reset(server);
    }
}

static void do_rset(struct server *server, const char *arguments)
{
    (void)arguments;
    reset(server);
    serverwire_sayf(server, 250, "2.0.0", "OK");
}

static void do_noop(struct server *server, const char *arguments)
{
    (void)arguments;
    serverwire_sayf(server, 250, "2.0.0", "OK");
}

static void do_vrfy(struct server *server, const char *arguments)
{
    (void)arguments;
    serverwire_sayf(server, 252, "2.0.0",
                    "Cannot VRFY user, but will accept message and attempt delivery");
}

static void do_help(struct server *server, const char *arguments)
{
    (void)arguments;
    serverwire_sayf(server, 214, "2.0.0",
                    "Commands: EHLO HELO MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT");
}

static void do_quit(struct server *server, const char *arguments)
{
    (void)arguments;
    serverwire_sayf(server, 221, "2.0.0", "Service closing transmission channel");
    server->finished = true;
    serverwire_hang_up(server);
}

static const struct {
    const char *verb;
    void (*run)(struct server *server, const char *arguments);
} commands[] = {
    {"EHLO", do_ehlo},          {"HELO", do_helo}, {"MAIL", do_mail},
    {"RCPT", do_rcpt},          {"DATA", do_data}, {"BDAT", do_bdat},
    {"RSET", do_rset},          {"NOOP", do_noop}, {"VRFY", do_vrfy},
    {"HELP", do_help},          {"QUIT", do_quit}, {"STARTTLS", serverlogin_secure},
    {"AUTH", serverlogin_auth},
};

/* A browser that was made to post to our port (RFC 9110, 9.3). */
static bool is_http(const char *line)
{
    static const char *const verbs[] = {"GET ",    "HEAD ",  "POST ",    "PUT ",
                                        "DELETE ", "TRACE ", "OPTIONS ", "CONNECT ",
                                        "PATCH ",  "PRI ",   "HOST: ",   "HOST:"};
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strncasecmp(line, verbs[i], strlen(verbs[i])) == 0)
            return true;
    return false;
}

static void obey(struct server *server)
{
    const char *line = str_text(&server->line);
    server->commands++;
    if (is_http(line)) {
        server->gone = true;
        return;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (serverwire_begins(line, commands[i].verb)) {
            const char *arguments = line + strlen(commands[i].verb);
            commands[i].run(server, arguments + strspn(arguments, " "));
            return;
        }
    (void)serverwire_refuse(server, 500, "5.5.1", "Command unrecognized");
}

static void greet(struct server *server)
{
    if (!server->params->lenient && serverwire_has_input(server))
        (void)serverwire_refuse_early(server);
    else
        serverwire_sayf(server, 220, "", "%s ESMTP", server->params->name);
}

static bool within_limits(struct server *server)
{
    if (server->errors <= SERVER_ERRORS_MAX && server->commands <= SERVER_COMMANDS_MAX)
        return true;
    serverwire_sayf(server, 421, "4.7.0", "Too many errors or commands without mail");
    serverwire_hang_up(server);
    return false;
}

/* Reads the next command, and lets the handler know if it has to be waited for. */
static enum server_line next_line(struct server *server)
{
    const struct server_params *params = server->params;
    bool idle = params->handler->wait && !server->mail && server->in_at == server->in_end &&
                serverwire_flush(server);
    if (idle)
        params->handler->wait(params->context, true);
    enum server_line result = serverwire_line(server);
    if (idle)
        params->handler->wait(params->context, false);
    return result;
}

bool server_run(struct stream **stream, const struct server_params *params)
{
    struct server *server = memory_new(sizeof *server);
    server->stream = *stream;
    server->params = params;
    server->line.secret = true; /* it may hold a password */
    server->secured = params->secured;
    server->bare_lf = params->lenient;
    server->end = clock_after(params->needs_login ? params->login_total : params->total);
    serverlogin_look(server);
    greet(server);
    while (!server->gone && within_limits(server)) {
        enum server_line result = server->again ? LINE_COMMAND : next_line(server);
        server->again = false;
        if (result == LINE_COMMAND)
            obey(server);
        else if (result != LINE_NONE)
            (void)serverwire_refuse(server, 500, "5.5.2",
                                    result == LINE_BAD
                                        ? "Syntax error: control character in command"
                                        : "Line too long");
    }
    (void)serverwire_flush(server);
    bool finished = server->finished;
    *stream = server->stream;
    reset(server);
    str_clear(&server->out);
    str_clear(&server->line);
    free(server);
    return finished;
}
