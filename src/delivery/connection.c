#include "config.h"
#include "delivery/connection.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/module.h"
#include "base/sasl.h"
#include "config/ownership.h"
#include "net/connect.h"
#include "net/socket.h"
#include "net/socks.h"
#include "net/tls.h"
#include "delivery/client_name.h"
#include "delivery/remedy.h"
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
    struct sasl_login login;
    struct session_params params;
    struct session *session;
    const struct module *module; /* NULL for an account without TLS */
    struct stream *tls;          /* of the session, NULL without TLS; its own */
    bool bdat_refused;
};

static void report_step(struct connection *c, const char *step, const char *detail,
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

/* The same for a step that is reported, with the setting that would mend it. */
static bool step_failed(struct connection *c, const char *step, const char *detail,
                        enum error_command command, struct error *err)
{
    (void)failed_at(err, command);
    remedy_append(err, c->account);
    report_step(c, step, detail, err);
    return false;
}

static struct tls_params tls_params_of(const struct connection *c)
{
    const struct account *a = c->account;
    return (struct tls_params){
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
}

static struct stream *start_tls(void *context, struct stream *inner, int64_t deadline,
                                struct error *err)
{
    struct connection *c = context;
    const struct tls_params params = tls_params_of(c);
    struct stream *stream = c->module->tls_start(inner, &params, deadline, err);
    struct str detail = {0};
    c->tls = stream;
    if (stream && c->options->step)
        c->module->tls_describe(stream, &detail);
    if (stream)
        report_step(c, "tls", str_text(&detail), NULL);
    else
        (void)step_failed(c, "tls", "", COMMAND_TLS, err);
    str_clear(&detail);
    return stream;
}

static void channel_binding(void *context, struct binding *binding)
{
    const struct connection *c = context;
    if (c->tls)
        c->module->tls_channel_binding(c->tls, binding);
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

static struct stream *dial(struct connection *c, int64_t deadline, struct str *address,
                           struct error *err)
{
    const struct account *a = c->account;
    if (c->options->dial)
        return c->options->dial(c->options->context, c->host, err);
    str_add(address, a->socket);
    if (*a->socket)
        return socket_connect_unix(a->socket, deadline, err);
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
    str_add(address, result.address);
    return ok ? result.stream : NULL;
}

static struct stream *reach_host(struct connection *c, struct error *err)
{
    struct str address = {0};
    struct stream *stream = dial(c, connect_deadline(c), &address, err);
    if (stream)
        report_step(c, "connect", str_text(&address), NULL);
    else
        (void)step_failed(c, "connect", str_text(&address), COMMAND_CONNECT, err);
    str_clear(&address);
    return stream;
}

/* Where no greeting came: whether the server waits for TLS, found out over another connection. */
static bool waits_for_tls(struct connection *c)
{
    enum { PATIENCE = 5000 };
    int64_t span = c->account->timeout; /* 0: none, and then something else has ended the wait */
    int64_t deadline = limit(c, clock_after(span > 0 && span < PATIENCE ? span : PATIENCE));
    struct tls_params params = tls_params_of(c);
    struct error ignored;
    struct str address = {0};
    const struct module *module = module_get(&ignored);
    struct stream *stream = module ? dial(c, deadline, &address, &ignored) : NULL;
    params.check = false;
    params.trust_file = params.crl_file = params.fingerprint = "";
    if (stream)
        stream = module->tls_start(stream, &params, deadline, &ignored);
    bool found = stream != NULL;
    stream_close(stream);
    str_clear(&address);
    return found;
}

static bool start_session(struct connection *c, struct error *err)
{
    const struct account *a = c->account;
    struct stream *stream = reach_host(c, err);
    if (!stream)
        return false;
    str_clear(&c->hello);
    client_name_add(&c->hello, a, c->options->passwords->site->host.full_name,
                    stream_descriptor(stream));
    bool implicit = account_implicit_tls(a);
    if (implicit && !(stream = start_tls(c, stream, limit(c, clock_after(a->timeout)), err)))
        return false;
    c->login.host = c->host;
    c->params.hello = str_text(&c->hello);
    c->params.secure = implicit || *a->socket;
    c->params.starttls = a->tls && !implicit;
    c->session = session_new(stream, &c->params);
    if (session_hello(c->session, err)) {
        report_step(c, "hello", str_text(&session_capabilities(c->session)->mechanisms), NULL);
        return true;
    }
    if (err->command == COMMAND_TLS)
        return false; /* start_tls() has reported it */
    if (err->command == COMMAND_GREETING && err->finding == FINDING_SILENT && !implicit &&
        !*a->socket && waits_for_tls(c))
        err->finding = FINDING_TLS_FIRST;
    return step_failed(c, "hello", "", COMMAND_STARTTLS, err);
}

static void end_session(struct connection *c)
{
    session_end(c->session);
    c->session = NULL;
    c->tls = NULL;
}

/* REFUSED is a token that the server did not take; NULL: none. */
static bool find_password(struct connection *c, const char *refused, struct str *out,
                          struct error *err)
{
    struct password_sources sources = *c->options->passwords;
    sources.refused = refused;
    sources.deadline = limit(c, clock_after(c->account->timeout)); /* not of a whole run */
    return password_find(c->account, &sources, out, err);
}

static bool takes_token(const struct account *a)
{
    const struct sasl *sasl = account_sasl(a->auth);
    return account_has_oauth(a) || (*a->password_command && sasl && sasl->takes_token);
}

/* A token may have ended since it was given: whether there is another one now. */
static bool renew_token(struct connection *c, struct error *refusal)
{
    struct str token = {.secret = true};
    struct error failure = {0}; /* the server's refusal says more, but for what a person must do */
    if (refusal->reply_code / 100 != 5 || !takes_token(c->account))
        return false;
    bool renewed = find_password(c, str_text(&c->password), &token, &failure) &&
                   strcmp(str_text(&token), str_text(&c->password)) != 0;
    struct str other = renewed ? c->password : token;
    c->password = renewed ? token : c->password;
    str_clear(&other);
    if (failure.code == EX_NOPERM)
        (void)error_add(refusal, "; ", "%s", failure.text);
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
        error_add(err, "; ", "%s", c->account->provider_note);
    if (!ok)
        return step_failed(c, "login", c->login.user, COMMAND_AUTH, err);
    report_step(c, "login", c->login.user, NULL);
    return true;
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

static bool prepare_login(struct connection *c, struct error *err)
{
    const struct account *a = c->account;
    if (a->auth == AUTH_OFF)
        return true;
    const struct sasl *sasl = account_sasl(a->auth);
    bool ok = (sasl && sasl->needs_no_secret) || find_password(c, NULL, &c->password, err);
    report_step(c, "password", "", ok ? NULL : err);
    c->login = (struct sasl_login){
        .mechanism = sasl ? sasl->name : "",
        .user = a->user,
        .password = &c->password,
        .is_token = account_has_oauth(a),
        .realm = a->ntlmdomain,
        .port = account_port(a),
        /* msmtp takes a method that is named for a decision */
        .without_tls = a->auth_without_tls || (a->as_msmtp && a->auth != AUTH_ON),
    };
    c->params.login = &c->login;
    return ok || failed_at(err, COMMAND_PASSWORD);
}

/* Who can write to one of these files chooses whom the account trusts, and who it is. */
static bool check_tls_files(struct connection *c, struct error *err)
{
    static const char *const names[] = {"tls_trust_file", "tls_crl_file", "tls_cert_file",
                                        "tls_key_file"};
    uid_t uid = c->options->passwords->site->caller.uid;
    bool is_named = strcmp(c->account->tls_trust_file, "system") != 0;
    for (size_t i = is_named ? 0 : 1; i < sizeof names / sizeof *names; i++)
        if (!ownership_check_named(c->account, key_find(KEY_ACCOUNT, names[i]), uid, err))
            return step_failed(c, "tls", "", COMMAND_TLS, err);
    return true;
}

/* What needs a file is done before anybody is connected to. */
static bool prepare_tls(struct connection *c, struct error *err)
{
    if (!c->account->tls)
        return true;
    c->module = module_get(err);
    return c->module ? check_tls_files(c, err) : failed_at(err, COMMAND_STARTTLS);
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
        .max_recipients = (size_t)account->max_recipients,
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
        .account_patterns = &connection->account->trouble,
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

const struct session_capabilities *connection_capabilities(const struct connection *connection)
{
    return session_capabilities(connection->session);
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
