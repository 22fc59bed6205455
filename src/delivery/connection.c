#include "config.h"
#include "delivery/connection.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/sasl.h"
#include "delivery/connectionstate.h"
#include "delivery/dialer.h"
#include "delivery/host_order.h"
#include "delivery/maildir.h"
#include "delivery/remedy.h"
#include "delivery/verdict.h"

enum {
    TRANSACTIONS_MAX = 10000
}; /* of one message, when a server takes few recipients at a time */

void connection_report_step(struct connection *c, const char *step, const char *detail,
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

bool connection_failed_at(struct error *err, enum error_command command)
{
    if (err->command == COMMAND_NONE)
        err->command = command;
    verdict_judge(err, NULL);
    return false;
}

bool connection_step_failed(struct connection *c, const char *step, const char *detail,
                            enum error_command command, struct error *err)
{
    (void)connection_failed_at(err, command);
    remedy_append(err, c->account);
    connection_report_step(c, step, detail, err);
    return false;
}

int64_t connection_limit(const struct connection *c, int64_t deadline)
{
    return c->options->deadline && c->options->deadline < deadline ? c->options->deadline
                                                                   : deadline;
}

/* REFUSED is a token that the server did not take; NULL: none. */
static bool find_password(struct connection *c, const char *refused, struct str *out,
                          struct error *err)
{
    struct password_sources sources = *c->options->passwords;
    sources.refused = refused;
    sources.deadline =
        connection_limit(c, clock_after(c->account->timeout)); /* not of a whole run */
    return password_find(c->account, &sources, out, err);
}

bool connection_asks_twice(const struct account *account)
{
    const struct sasl *sasl = account_sasl(account->auth);
    return account_has_token(account) || (*account->password_command && sasl && sasl->takes_token);
}

/* The refused token may only have ended, and the authorization server cannot say so for now: the
 * account waits for that server, and no person has to log in. */
static void wait_for_token(struct error *refusal, const struct error *failure)
{
    refusal->class = failure->class;
    refusal->code = failure->code;
    refusal->command = failure->command;
    refusal->wait = failure->wait;
    refusal->reply_code = 0;
    *refusal->status = '\0';
}

/* A token may have ended since it was given: whether there is another one now. */
static bool renew_token(struct connection *c, struct error *refusal)
{
    struct str token = {.secret = true};
    struct error failure = {0}; /* the server's refusal says more, but for what must be mended */
    if (refusal->reply_code / 100 != 5 || !connection_asks_twice(c->account))
        return false;
    bool renewed = find_password(c, str_text(&c->password), &token, &failure) &&
                   strcmp(str_text(&token), str_text(&c->password)) != 0;
    struct str other = renewed ? c->password : token;
    c->password = renewed ? token : c->password;
    str_clear(&other);
    if (failure.code == EX_NOPERM || failure.command == COMMAND_TOKEN)
        (void)error_add(refusal, "; ", "%s", failure.text);
    if (failure.command == COMMAND_TOKEN)
        wait_for_token(refusal, &failure);
    return renewed;
}

/* With another token, on a new connection: many servers hang up after a 535. */
static bool log_in_again(struct connection *c, struct error *err)
{
    dialer_end(c);
    return dialer_start(c, err) && session_login(c->session, err);
}

static bool log_in(struct connection *c, struct error *err)
{
    if (!c->params.login)
        return true;
    bool ok = session_login(c->session, err) || (renew_token(c, err) && log_in_again(c, err));
    if (!ok && err->reply_code >= 500 && *c->account->provider_note)
        error_add(err, "; ", "%s", c->account->provider_note);
    if (!ok)
        return connection_step_failed(c, "login", c->login.user, COMMAND_AUTH, err);
    connection_report_step(c, "login", c->login.user, NULL);
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

/* *REACHED: the login, if anything, failed. */
static bool try_host(struct connection *c, const char *host, bool *reached, struct error *err)
{
    c->host = host;
    *reached = dialer_start(c, err);
    if (*reached && log_in(c, err))
        return true;
    if (!*reached)
        dialer_end(c);
    name_host(c, err);
    return false;
}

static bool reach_some_host(struct connection *c, struct error *err)
{
    const struct account *a = c->account;
    const struct delivery_context *delivery = c->options->delivery;
    bool ok = false, reached = false;
    if (*a->socket)
        return try_host(c, a->host.n > 0 ? a->host.item[0] : "localhost", &reached, err);
    const char **host = memory_new(a->host.n * sizeof *host);
    size_t n = host_order_make(a, delivery, host);
    for (size_t i = 0; i < n && !reached; i++) {
        ok = try_host(c, host[i], &reached, err);
        host_order_note(a, delivery, host[i], reached);
    }
    free(host);
    return ok;
}

static bool prepare_login(struct connection *c, struct error *err)
{
    const struct account *a = c->account;
    if (a->auth == AUTH_OFF)
        return true;
    const struct sasl *sasl = account_sasl(a->auth);
    bool without = sasl && sasl->needs_no_secret && !account_has_pin(a);
    bool ok = without || find_password(c, NULL, &c->password, err);
    connection_report_step(c, "password", "", ok ? NULL : err);
    c->login = (struct sasl_login){
        .mechanism = sasl ? sasl->name : "",
        .user = a->user,
        .password = &c->password,
        .is_token = account_has_token(a),
        .realm = a->ntlmdomain,
        .port = account_port(a),
        /* msmtp takes a method that is named for a decision */
        .without_tls = a->auth_without_tls || (a->as_msmtp && a->auth != AUTH_ON),
    };
    c->params.login = &c->login;
    return ok || connection_failed_at(err, COMMAND_PASSWORD);
}

static bool prepare(struct connection *c, struct error *err)
{
    if (!dialer_prepare(c, err) || !prepare_login(c, err))
        return false;
    if (c->options->before_network)
        c->options->before_network(c->options->context, c->account);
    return true;
}

static bool keeps_mail(const struct connection *c)
{
    return c->account->protocol == PROTOCOL_MAILDIR;
}

static bool open_maildir(struct connection *c, struct error *err)
{
    const char *path = c->account->maildir;
    if (!maildir_make(path, err))
        return connection_step_failed(c, "maildir", path, COMMAND_NONE, err);
    str_add(&c->address, path);
    connection_report_step(c, "maildir", path, NULL);
    return true;
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
        .require_tls = account->requiretls,
        .start_tls = dialer_start_tls,
        .channel_binding = dialer_channel_binding,
        .chunking = account->chunking && !options->avoid_chunking,
        .streaming = options->streaming,
        .max_recipients = (size_t)account->max_recipients,
        .timeout = account->timeout,
        .timeout_final = account->timeout_final,
        .deadline = options->deadline,
        .trace = options->trace ? trace : NULL,
        .context = c,
    };
    int64_t began = clock_now();
    if (keeps_mail(c) ? open_maildir(c, err) : prepare(c, err) && reach_some_host(c, err)) {
        c->setup = clock_now() - began;
        return c;
    }
    connection_close(c);
    return NULL;
}

static struct verdict_facts facts_for(const struct connection *c, const struct envelope *env)
{
    return (struct verdict_facts){
        .sender = env->sender ? env->sender : "",
        .own_address = account_address(c->account),
        .account_patterns = &c->account->trouble,
        .requires_tls = c->account->requiretls,
    };
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
    dialer_end(c);
    return reach_some_host(c, err) && session_send(c->session, mail, err);
}

static bool is_open(const struct connection *c)
{
    return c->session && session_usable(c->session);
}

/* RFC 9422, 4: a client that has reached a limit of the session ends it and begins another. */
static bool renew_spent(struct connection *c, const struct session_mail *mail, struct error *err)
{
    if (!session_is_spent(c->session, mail))
        return true;
    dialer_end(c);
    return reach_some_host(c, err);
}

/* RFC 5321, 4.4: final delivery puts the return path in front. The recipients go with it, since
 * whose copy this is the header need not say. */
static void add_head(struct str *out, const struct session_mail *mail)
{
    const struct envelope *env = mail->env;
    str_addf(out, "Return-Path: <%s>\n", env->sender ? env->sender : "");
    for (size_t i = 0; i < env->n; i++)
        if (mail->outcomes[i].result == OUTCOME_UNTRIED)
            str_addf(out, "Delivered-To: %s\n", env->rcpt[i].address);
}

static bool keep(const struct connection *c, const struct session_mail *mail, struct error *err)
{
    struct str head = {0}, file = {0};
    add_head(&head, mail);
    const struct maildir_mail kept = {
        .id = mail->id,
        .host = c->options->passwords->site->host.name,
        .head = str_text(&head),
        .content = mail->content,
        .again = mail->again,
    };
    bool ok = maildir_keep(c->account->maildir, &kept, &file, err);
    for (size_t i = 0; ok && i < mail->env->n; i++)
        if (mail->outcomes[i].result == OUTCOME_UNTRIED)
            mail->outcomes[i].result = OUTCOME_SENT;
    if (ok && mail->final)
        str_addf(mail->final, "250 2.0.0 kept as %s", str_text(&file));
    str_clear(&head);
    str_clear(&file);
    return ok || connection_failed_at(err, COMMAND_CONTENT);
}

bool connection_send(struct connection *connection, const struct session_mail *mail,
                     struct error *err)
{
    if (keeps_mail(connection))
        return keep(connection, mail, err);
    const struct verdict_facts facts = facts_for(connection, mail->env);
    size_t n = mail->env->n, untried = outcome_count(mail->outcomes, n, OUTCOME_UNTRIED);
    for (int round = 0; untried > 0 && round < TRANSACTIONS_MAX; round++) {
        bool ok = renew_spent(connection, mail, err) && send_once(connection, mail, err);
        verdict_judge_all(mail->outcomes, n, &facts);
        if (!ok) {
            verdict_judge(err, &facts);
            return false;
        }
        size_t left = outcome_count(mail->outcomes, n, OUTCOME_UNTRIED);
        if (left >= untried || !is_open(connection))
            break; /* no progress: the rest is deferred */
        untried = left;
    }
    return true;
}

enum session_room connection_room(const struct connection *connection,
                                  const struct session_mail *mail)
{
    return keeps_mail(connection) ? SESSION_ROOM_NEVER : session_room(connection->session, mail);
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
    return connection_takes(connection, NULL);
}

bool connection_takes(const struct connection *connection, const struct session_mail *mail)
{
    return keeps_mail(connection) ||
           (is_open(connection) && !session_is_spent(connection->session, mail));
}

bool connection_bdat_refused(const struct connection *connection)
{
    return connection->bdat_refused ||
           (connection->session && session_bdat_refused(connection->session));
}

bool connection_streaming_refused(const struct connection *connection)
{
    return connection->session && session_streaming_refused(connection->session);
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
    return session_start_queue(connection->session, name, err) ||
           connection_failed_at(err, COMMAND_ETRN);
}

const char *connection_host(const struct connection *connection)
{
    return connection->host;
}

const char *connection_address(const struct connection *connection)
{
    return str_text(&connection->address);
}

int64_t connection_take_setup(struct connection *connection)
{
    int64_t setup = connection->setup;
    connection->setup = 0;
    return setup;
}

void connection_close(struct connection *connection)
{
    if (!connection)
        return;
    dialer_end(connection);
    str_clear(&connection->address);
    str_clear(&connection->hello);
    str_clear(&connection->password);
    tlsa_clear(&connection->tlsa);
    free(connection);
}
