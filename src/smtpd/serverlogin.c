#include "config.h"
#include "smtpd/serverstate.h"

#include <string.h>

#include "base/base64.h"
#include "base/clock.h"

static bool offers_passwords(const struct server *server)
{
    return server->params->passwords && server->secured;
}

void serverlogin_announce(const struct server *server, struct str *out)
{
    if (server->params->offers_tls && !server->secured)
        str_add(out, "\nSTARTTLS");
    if (server->logged_in || (!server->certified && !offers_passwords(server)))
        return;
    str_add(out, "\nAUTH");
    str_add(out, server->certified ? " EXTERNAL" : "");
    str_add(out, offers_passwords(server) ? " PLAIN LOGIN" : "");
}

bool serverlogin_is_done(struct server *server)
{
    if (!server->params->needs_login || server->logged_in || server->certified)
        return true;
    if (server->params->offers_tls && !server->secured)
        return serverwire_refuse(server, 530, "5.7.0", "Must issue a STARTTLS command first");
    return serverwire_refuse(server, 530, "5.7.0", "Authentication required");
}

/* The client is known: it has all of the time. */
static void let_in(struct server *server)
{
    server->end = clock_after(server->params->total);
}

void serverlogin_look(struct server *server)
{
    const struct server_params *params = server->params;
    server->certified = server->secured && params->handler->certified(params->context, "");
    if (server->certified)
        let_in(server);
}

/* What was said and known before is forgotten (RFC 3207, 4.2). */
static void forget(struct server *server)
{
    server->hello = server->extended = server->logged_in = false;
}

void serverlogin_secure(struct server *server, const char *arguments)
{
    const struct server_params *params = server->params;
    if (!params->offers_tls)
        (void)serverwire_refuse(server, 502, "5.5.1", "Command not implemented");
    else if (*arguments)
        (void)serverwire_refuse(server, 501, "5.5.4", "Syntax: STARTTLS");
    else if (server->secured || server->mail)
        (void)serverwire_refuse(server, 503, "5.5.1", "Bad sequence of commands");
    else if (server->in_at < server->in_end) /* what is behind it was said without TLS */
        (void)serverwire_refuse_early(server);
    else {
        serverwire_sayf(server, 220, "2.0.0", "Ready to start TLS");
        if (!serverwire_flush(server))
            return;
        server->stream =
            params->handler->secure(params->context, server->stream, serverwire_deadline(server));
        server->gone = server->stream == NULL;
        server->secured = true;
        forget(server);
        if (!server->gone)
            serverlogin_look(server);
    }
}

/* Asks with CHALLENGE, in base64, and appends what is answered. False: it was no answer, which was
 * said, or the client is gone. */
static bool ask(struct server *server, const char *challenge, struct str *answer)
{
    serverwire_sayf(server, 334, "", "%s", challenge);
    enum server_line result = serverwire_line(server);
    const char *text = str_text(&server->line);
    if (result == LINE_NONE)
        return false;
    if (result == LINE_TOO_LONG)
        return serverwire_refuse(server, 500, "5.5.6", "Authentication Exchange line is too long");
    if (result == LINE_COMMAND && strcmp(text, "*") == 0)
        return serverwire_refuse(server, 501, "5.7.0", "Authentication cancelled");
    return (result == LINE_COMMAND && base64_decode(answer, text, strlen(text))) ||
           serverwire_refuse(server, 501, "5.5.2", "Cannot decode the answer as base64");
}

/* The initial response, "=" for an empty one, or what is asked for with CHALLENGE. */
static bool first_answer(struct server *server, const char *initial, const char *challenge,
                         struct str *answer)
{
    if (!*initial)
        return ask(server, challenge, answer);
    return strcmp(initial, "=") == 0 || base64_decode(answer, initial, strlen(initial)) ||
           serverwire_refuse(server, 501, "5.5.2", "Cannot decode the initial response as base64");
}

static void end_login(struct server *server, bool accepted)
{
    if (accepted) {
        server->logged_in = true;
        let_in(server);
        serverwire_sayf(server, 235, "2.7.0", "Authentication successful");
        return;
    }
    (void)serverwire_refuse(server, 535, "5.7.8", "Authentication credentials invalid");
    if (++server->refused < SERVER_LOGINS_MAX)
        return;
    serverwire_sayf(server, 421, "4.7.0", "Too many failed logins");
    serverwire_hang_up(server);
}

static void log_in(struct server *server, const char *user, const char *password)
{
    const struct server_params *params = server->params;
    end_login(server, params->handler->login(params->context, user, password));
}

/* "[who it is for] NUL user NUL password" (RFC 4616), the first one being the second. */
static void auth_plain(struct server *server, const char *initial)
{
    struct str answer = {.secret = true};
    if (first_answer(server, initial, "", &answer)) {
        const char *as = str_text(&answer), *end = as + answer.len;
        const char *user = as + strlen(as) + 1;
        const char *password = user < end ? user + strlen(user) + 1 : end + 1;
        if (password > end || password + strlen(password) != end)
            (void)serverwire_refuse(server, 501, "5.5.2", "The answer is no PLAIN message");
        else if (*as && strcmp(as, user) != 0)
            end_login(server, false);
        else
            log_in(server, user, password);
    }
    str_clear(&answer);
}

/* Not an RFC's: draft-murchison-sasl-login. The challenges are "Username:" and "Password:". */
static void auth_login(struct server *server, const char *initial)
{
    struct str user = {.secret = true}, password = {.secret = true};
    if (first_answer(server, initial, "VXNlcm5hbWU6", &user) &&
        ask(server, "UGFzc3dvcmQ6", &password)) {
        if (strlen(str_text(&user)) != user.len || strlen(str_text(&password)) != password.len)
            (void)serverwire_refuse(server, 501, "5.5.2", "The answer has a NUL");
        else
            log_in(server, str_text(&user), str_text(&password));
    }
    str_clear(&user);
    str_clear(&password);
}

/* The certificate has said who it is (RFC 4422, appendix A). */
static void auth_external(struct server *server, const char *initial)
{
    const struct server_params *params = server->params;
    struct str as = {0};
    if (first_answer(server, initial, "", &as))
        end_login(server, strlen(str_text(&as)) == as.len &&
                              params->handler->certified(params->context, str_text(&as)));
    str_clear(&as);
}

static void run_mechanism(struct server *server, const char *arguments)
{
    static const struct {
        const char *name;
        bool by_certificate;
        void (*run)(struct server *server, const char *initial);
    } mechanisms[] = {{"PLAIN", false, auth_plain},
                      {"LOGIN", false, auth_login},
                      {"EXTERNAL", true, auth_external}};
    for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++) {
        bool offered = mechanisms[i].by_certificate ? server->certified : offers_passwords(server);
        if (!offered || !serverwire_begins(arguments, mechanisms[i].name))
            continue;
        const char *response = arguments + strlen(mechanisms[i].name);
        /* The line is read over by what is asked. */
        struct str initial = {.secret = true};
        str_add(&initial, response + strspn(response, " "));
        mechanisms[i].run(server, str_text(&initial));
        str_clear(&initial);
        explicit_bzero(server->in, server->in_at);
        return;
    }
    (void)serverwire_refuse(server, 504, "5.5.4", "Unrecognized authentication type");
}

void serverlogin_auth(struct server *server, const char *arguments)
{
    if (!server->params->passwords && !server->certified)
        (void)serverwire_refuse(server, 502, "5.5.1", "Command not implemented");
    else if (!server->secured)
        (void)serverwire_refuse(server, 538, "5.7.11",
                                "Encryption required for requested authentication mechanism");
    else if (!server->extended || server->mail || server->logged_in)
        (void)serverwire_refuse(server, 503, "5.5.1", "Bad sequence of commands");
    else if (!*arguments)
        (void)serverwire_refuse(server, 501, "5.5.4", "Syntax: AUTH mechanism");
    else if (serverwire_is_last(server))
        run_mechanism(server, arguments);
}
