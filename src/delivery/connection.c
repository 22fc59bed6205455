#include "config.h"
#include "delivery/connection.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/module.h"
#include "net/connect.h"
#include "net/socket.h"
#include "net/socks.h"
#include "net/tls.h"
#include "delivery/verdict.h"

enum {
    TRANSACTIONS_MAX = 10000
}; /* of one message, when a server takes few recipients at a time */

struct connection {
    const struct account *account;
    const struct connection_options *options;
    const char *host;
    struct str hello;
    struct str password;
    struct session_login login;
    struct session_params params;
    struct session *session;
    const struct module *module; /* NULL for an account without TLS */
    struct stream *tls;          /* of the session, NULL without TLS; its own */
    bool bdat_refused;
};

static void tell(struct connection *c, const char *step, const char *detail,
                 const struct error *err)
{
    if (c->options->step)
        c->options->step(c->options->context, step, detail, err);
}

static void trace(void *context, enum trace_kind kind, const char *line, size_t len)
{
    struct connection *c = context;
    if (c->options->trace)
        c->options->trace(c->options->context, kind, line, len);
}

/* The place that noticed it has said which command it answers, or it is COMMAND. */
static bool failed_at(struct error *err, enum error_command command)
{
    if (err->command == COMMAND_NONE)
        err->command = command;
    verdict_judge(err, NULL);
    return false;
}

static struct stream *start_tls(void *context, struct stream *inner, int64_t deadline,
                                struct error *err)
{
    struct connection *c = context;
    const struct account *a = c->account;
    const struct tls_params params = {
        .host = *a->tls_host_override ? a->tls_host_override : c->host,
        .trust_file = a->tls_trust_file,
        .crl_file = a->tls_crl_file,
        .fingerprint = a->tls_fingerprint,
        .key_file = a->tls_key_file,
        .cert_file = a->tls_cert_file,
        .pin = str_text(&c->password),
        .priorities = a->tls_priorities,
        .check = a->tls_certcheck,
        .min_dh_prime_bits = (int)a->tls_min_dh_prime_bits,
    };
    struct stream *stream = c->module->tls_start(inner, &params, deadline, err);
    struct str detail = {0};
    c->tls = stream;
    if (stream && c->options->step)
        c->module->tls_describe(stream, &detail);
    if (!stream)
        (void)failed_at(err, COMMAND_TLS);
    tell(c, "tls", str_text(&detail), stream ? NULL : err);
    str_clear(&detail);
    return stream;
}

static bool channel_binding(void *context, struct str *out)
{
    const struct connection *c = context;
    return c->tls && c->module->tls_channel_binding(c->tls, out);
}

/* RFC 5321, 4.1.3: a client without a meaningful name says its address. */
static void add_address_literal(struct str *out, int fd)
{
    struct sockaddr_storage here;
    socklen_t len = sizeof here;
    char text[INET6_ADDRSTRLEN] = "";
    if (fd < 0 || getsockname(fd, (struct sockaddr *)&here, &len) != 0) {
        str_add(out, "[127.0.0.1]"); /* over a local socket */
        return;
    }
    if (here.ss_family == AF_INET6) {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&here;
        if (inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof text))
            str_addf(out, "[IPv6:%s]", text);
    } else if (here.ss_family == AF_INET) {
        struct sockaddr_in *in = (struct sockaddr_in *)&here;
        if (inet_ntop(AF_INET, &in->sin_addr, text, sizeof text))
            str_addf(out, "[%s]", text);
    }
    if (out->len == 0)
        str_add(out, "[127.0.0.1]");
}

/* What every machine calls itself is no name (RFC 5321, 4.1.1.1), and is refused by some. */
static bool is_a_name(const char *domain)
{
    return *domain && strcasecmp(domain, "localhost") != 0 &&
           strcasecmp(domain, "localhost.localdomain") != 0;
}

static void choose_hello(struct connection *c, int fd)
{
    str_clear(&c->hello);
    if (is_a_name(c->account->domain))
        str_add(&c->hello, c->account->domain);
    else if (is_a_name(c->options->host_name))
        str_add(&c->hello, c->options->host_name);
    else
        add_address_literal(&c->hello, fd);
}

/* The earlier of the account's own limit and what the caller has left. */
static int64_t limit(const struct connection *c, int64_t deadline)
{
    return c->options->deadline && c->options->deadline < deadline ? c->options->deadline
                                                                   : deadline;
}

static int64_t connect_deadline(const struct connection *c)
{
    int64_t span = c->account->timeout;
    if (c->options->connect_timeout && (span <= 0 || c->options->connect_timeout < span))
        span = c->options->connect_timeout;
    return limit(c, clock_after(span));
}

/* The proxy looks the name of the host up, too. */
static bool pass_proxy(struct connection *c, struct stream **stream, int64_t deadline,
                       struct error *err)
{
    const struct account *a = c->account;
    if (!*a->proxy_host || socks_connect(*stream, c->host, account_port(a), deadline, err))
        return true;
    stream_close(*stream);
    *stream = NULL;
    return false;
}

static struct stream *dial(struct connection *c, struct error *err)
{
    const struct account *a = c->account;
    int64_t deadline = connect_deadline(c);
    if (*a->socket) {
        struct stream *stream = socket_connect_unix(a->socket, deadline, err);
        tell(c, "connect", a->socket, stream ? NULL : err);
        return stream;
    }
    bool proxy = *a->proxy_host;
    const struct connect_params params = {
        .host = proxy ? a->proxy_host : c->host,
        .port = !proxy          ? account_port(a)
                : a->proxy_port ? (int)a->proxy_port
                                : SOCKS_PORT,
        .source_ip = a->source_ip,
        .deadline = deadline,
    };
    struct connect_result result = {0};
    bool ok = connect_host(&params, &result, err) && pass_proxy(c, &result.stream, deadline, err);
    tell(c, "connect", result.address, ok ? NULL : err);
    return ok ? result.stream : NULL;
}

static bool start_session(struct connection *c, struct error *err)
{
    const struct account *a = c->account;
    struct stream *stream = dial(c, err);
    if (!stream)
        return failed_at(err, COMMAND_CONNECT);
    choose_hello(c, stream_descriptor(stream));
    bool implicit = account_implicit_tls(a);
    if (implicit && !(stream = start_tls(c, stream, limit(c, clock_after(a->timeout)), err)))
        return false;
    c->login.host = c->host;
    c->params.hello = str_text(&c->hello);
    c->params.secure = implicit || *a->socket;
    c->params.starttls = a->tls && !implicit;
    c->session = session_new(stream, &c->params);
    bool ok = session_hello(c->session, err);
    tell(c, "hello", ok ? str_text(&session_offers(c->session)->mechanisms) : "", ok ? NULL : err);
    return ok || failed_at(err, COMMAND_STARTTLS);
}

static void end_session(struct connection *c)
{
    session_end(c->session);
    c->session = NULL;
    c->tls = NULL;
}

static bool find_password(struct connection *c, struct str *out, struct error *err)
{
    struct password_sources sources = *c->options->passwords;
    sources.deadline = limit(c, clock_after(c->account->timeout)); /* not of a whole run */
    return password_find(c->account, &sources, out, err);
}

/* A token may have ended since the command gave it: whether it gives another one now. */
static bool renew_token(struct connection *c, const struct error *refusal)
{
    const struct account *a = c->account;
    struct str token = {.secret = true};
    struct error ignored; /* the server's refusal tells more */
    if (refusal->reply_code / 100 != 5 || !*a->password_command ||
        (a->auth != AUTH_OAUTHBEARER && a->auth != AUTH_XOAUTH2))
        return false;
    bool renewed =
        find_password(c, &token, &ignored) && strcmp(str_text(&token), str_text(&c->password)) != 0;
    if (renewed) {
        str_clear(&c->password);
        c->password = token;
    } else {
        str_clear(&token);
    }
    return renewed;
}

/* With another token, on a new connection: many servers hang up after a 535. */
static bool log_in_again(struct connection *c, struct error *err)
{
    end_session(c);
    return start_session(c, err) && session_login(c->session, err);
}

static bool log_in(struct connection *c, struct error *err)
{
    if (!c->params.login)
        return true;
    bool ok = session_login(c->session, err) || (renew_token(c, err) && log_in_again(c, err));
    if (!ok && err->reply_code >= 500 && *c->account->provider_note)
        error_append(err, "; %s", c->account->provider_note);
    tell(c, "login", c->login.user, ok ? NULL : err);
    return ok || failed_at(err, COMMAND_AUTH);
}

static void name_host(struct connection *c, struct error *err)
{
    if (*c->account->socket)
        error_prefix(err, "%s", c->account->socket);
    else
        error_prefix(err, "%s:%d", c->host, account_port(c->account));
    err->scope = ERROR_ACCOUNT;
}

static bool reach_some_host(struct connection *c, struct error *err)
{
    const struct account *a = c->account;
    size_t n = *a->socket ? 1 : a->host.n;
    for (size_t i = 0; i < n; i++) {
        c->host = i < a->host.n ? a->host.item[i] : "localhost";
        if (start_session(c, err)) {
            if (log_in(c, err))
                return true;
            name_host(c, err);
            return false;
        }
        end_session(c);
        name_host(c, err);
    }
    return false;
}

static enum sasl_mechanism mechanism_of(int auth)
{
    switch (auth) {
    case AUTH_PLAIN:
        return SASL_PLAIN;
    case AUTH_LOGIN:
        return SASL_LOGIN;
    case AUTH_EXTERNAL:
        return SASL_EXTERNAL;
    case AUTH_OAUTHBEARER:
        return SASL_OAUTHBEARER;
    case AUTH_XOAUTH2:
        return SASL_XOAUTH2;
    case AUTH_SCRAM_SHA_256_PLUS:
        return SASL_SCRAM_SHA_256_PLUS;
    case AUTH_SCRAM_SHA_1_PLUS:
        return SASL_SCRAM_SHA_1_PLUS;
    case AUTH_SCRAM_SHA_256:
        return SASL_SCRAM_SHA_256;
    case AUTH_SCRAM_SHA_1:
        return SASL_SCRAM_SHA_1;
    case AUTH_CRAM_MD5:
        return SASL_CRAM_MD5;
    case AUTH_DIGEST_MD5:
        return SASL_DIGEST_MD5;
    case AUTH_GSSAPI:
        return SASL_GSSAPI;
    case AUTH_NTLM:
        return SASL_NTLM;
    default:
        return SASL_AUTO;
    }
}

static bool prepare_login(struct connection *c, struct error *err)
{
    const struct account *a = c->account;
    if (a->auth == AUTH_OFF)
        return true;
    bool ok =
        a->auth == AUTH_EXTERNAL || a->auth == AUTH_GSSAPI || find_password(c, &c->password, err);
    tell(c, "password", "", ok ? NULL : err);
    c->login = (struct session_login){
        .mechanism = mechanism_of(a->auth),
        .user = a->user,
        .password = &c->password,
        .realm = a->ntlmdomain,
        .port = account_port(a),
        /* msmtp takes a method that is named for a decision */
        .without_tls = a->auth_without_tls || (a->as_msmtp && a->auth != AUTH_ON),
    };
    c->params.login = &c->login;
    return ok || failed_at(err, COMMAND_PASSWORD);
}

/* What needs a file is done before anybody is connected to. */
static bool prepare_tls(struct connection *c, struct error *err)
{
    if (c->account->tls)
        c->module = module_get(err);
    return !c->account->tls || c->module || failed_at(err, COMMAND_STARTTLS);
}

struct connection *connection_open(const struct account *account,
                                   const struct connection_options *options, struct error *err)
{
    struct connection *c = memory_new(sizeof *c);
    c->account = account;
    c->options = options;
    c->host = "";
    c->password.secret = true;
    c->params = (struct session_params){
        .lmtp = account->protocol == PROTOCOL_LMTP,
        .start_tls = start_tls,
        .channel_binding = channel_binding,
        .chunking = account->chunking && !options->avoid_chunking,
        .streaming = options->streaming,
        .timeout = account->timeout,
        .timeout_final = account->timeout_final,
        .deadline = options->deadline,
        .trace = options->trace ? trace : NULL,
        .context = c,
    };
    if (prepare_tls(c, err) && prepare_login(c, err) && reach_some_host(c, err))
        return c;
    connection_close(c);
    return NULL;
}

static struct verdict_facts facts_for(const struct connection *connection,
                                      const struct envelope *env)
{
    return (struct verdict_facts){
        .sender = env->sender ? env->sender : "",
        .own_address = account_address(connection->account),
        .trouble = &connection->account->trouble,
    };
}

static size_t count_untried(const struct outcome *outcomes, size_t n)
{
    size_t untried = 0;
    for (size_t i = 0; i < n; i++)
        untried += outcomes[i].result == OUTCOME_UNTRIED;
    return untried;
}

/* Sends once; where the server offers BDAT and does not know it, once more over a new connection
 * with DATA. */
static bool send_once(struct connection *c, const struct session_mail *mail, struct error *err)
{
    if (session_send(c->session, mail, err))
        return true;
    if (!session_bdat_refused(c->session))
        return false;
    c->bdat_refused = true;
    c->params.chunking = false;
    end_session(c);
    return reach_some_host(c, err) && session_send(c->session, mail, err);
}

bool connection_send(struct connection *connection, const struct session_mail *mail,
                     struct error *err)
{
    const struct verdict_facts facts = facts_for(connection, mail->env);
    size_t n = mail->env->n, untried = count_untried(mail->outcomes, n);
    for (int round = 0; untried > 0 && round < TRANSACTIONS_MAX; round++) {
        bool ok = send_once(connection, mail, err);
        verdict_judge_all(mail->outcomes, n, &facts);
        if (!ok) {
            verdict_judge(err, &facts);
            return false;
        }
        size_t left = count_untried(mail->outcomes, n);
        if (left >= untried || !connection_usable(connection))
            break; /* no progress: the rest is deferred */
        untried = left;
    }
    return true;
}

enum session_room connection_room(const struct connection *connection,
                                  const struct session_mail *mail)
{
    return session_room(connection->session, mail);
}

bool connection_push(struct connection *connection, const struct session_mail *mail)
{
    return session_push(connection->session, mail);
}

enum session_pulled connection_pull(struct connection *connection, const struct session_mail *mail,
                                    struct error *err)
{
    const struct verdict_facts facts = facts_for(connection, mail->env);
    enum session_pulled pulled = session_pull(connection->session, err);
    verdict_judge_all(mail->outcomes, mail->env->n, &facts);
    if (pulled == SESSION_FAILED)
        verdict_judge(err, &facts);
    return pulled;
}

bool connection_usable(const struct connection *connection)
{
    return connection->session && session_usable(connection->session);
}

bool connection_bdat_refused(const struct connection *connection)
{
    return connection->bdat_refused ||
           (connection->session && session_bdat_refused(connection->session));
}

bool connection_chunking_hurt(const struct connection *connection)
{
    return connection_bdat_refused(connection) ||
           (connection->session && session_chunking_hurt(connection->session));
}

const struct session_capabilities *connection_offers(const struct connection *connection)
{
    return session_offers(connection->session);
}

bool connection_start_queue(struct connection *connection, const char *name, struct error *err)
{
    return session_start_queue(connection->session, name, err) || failed_at(err, COMMAND_ETRN);
}

const char *connection_host(const struct connection *connection)
{
    return connection->host;
}

void connection_close(struct connection *connection)
{
    if (!connection)
        return;
    end_session(connection);
    str_clear(&connection->hello);
    str_clear(&connection->password);
    free(connection);
}
