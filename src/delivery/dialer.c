#include "config.h"
#include "delivery/dialer.h"

#include <string.h>

#include "base/clock.h"
#include "config/ownership.h"
#include "net/connect.h"
#include "net/socket.h"
#include "net/socks.h"
#include "net/tls.h"
#include "delivery/client_name.h"

static struct tls_params tls_params_of(const struct connection *c)
{
    const struct account *a = c->account;
    return (struct tls_params){
        .host = *a->tls_host_override ? a->tls_host_override : c->host,
        .trust_file = a->tls_trust_file,
        .crl_file = a->tls_crl_file,
        .fingerprint = a->tls_fingerprint,
        .tlsa = a->tls_dane ? &c->tlsa : NULL,
        .key_file = a->tls_key_file,
        .cert_file = a->tls_cert_file,
        .pin = str_text(&c->password),
        .priorities = a->tls_priorities,
        .check = a->tls_certcheck,
        .min_dh_prime_bits = (int)a->tls_min_dh_prime_bits,
    };
}

struct stream *dialer_start_tls(void *context, struct stream *inner, int64_t deadline,
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
        connection_report_step(c, "tls", str_text(&detail), NULL);
    else
        (void)connection_step_failed(c, "tls", "", COMMAND_TLS, err);
    str_clear(&detail);
    return stream;
}

void dialer_channel_binding(void *context, struct binding *binding)
{
    const struct connection *c = context;
    if (c->tls)
        c->module->tls_channel_binding(c->tls, binding);
}

static int64_t connect_deadline(const struct connection *c)
{
    int64_t span = c->account->timeout;
    if (c->options->connect_timeout && (span <= 0 || c->options->connect_timeout < span))
        span = c->options->connect_timeout;
    return connection_limit(c, clock_after(span));
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
    str_clear(&c->address);
    struct stream *stream = dial(c, connect_deadline(c), &c->address, err);
    if (stream)
        connection_report_step(c, "connect", str_text(&c->address), NULL);
    else
        (void)connection_step_failed(c, "connect", str_text(&c->address), COMMAND_CONNECT, err);
    return stream;
}

/* Where no greeting came: whether the server waits for TLS, found out over another connection. */
static bool waits_for_tls(struct connection *c)
{
    enum { PATIENCE = 5000 };
    int64_t span = c->account->timeout; /* 0: none, and then something else has ended the wait */
    int64_t deadline =
        connection_limit(c, clock_after(span > 0 && span < PATIENCE ? span : PATIENCE));
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

/* Asked before the host is connected to (RFC 7672, 2.2). */
static bool find_tlsa(struct connection *c, struct error *err)
{
    struct str detail = {0};
    if (!c->account->tls_dane)
        return true;
    if (!tlsa_find(&c->tlsa, c->host, account_port(c->account), connect_deadline(c), err))
        return connection_step_failed(c, "dane", "", COMMAND_TLS, err);
    str_addf(&detail, "_%d._tcp.%s: %zu", account_port(c->account), c->host, c->tlsa.n);
    connection_report_step(c, "dane", str_text(&detail), NULL);
    str_clear(&detail);
    return true;
}

bool dialer_start(struct connection *c, struct error *err)
{
    const struct account *a = c->account;
    struct stream *stream = find_tlsa(c, err) ? reach_host(c, err) : NULL;
    if (!stream)
        return false;
    str_clear(&c->hello);
    client_name_add(&c->hello, a, c->options->passwords->site->host.full_name,
                    stream_descriptor(stream));
    bool implicit = account_implicit_tls(a);
    if (implicit &&
        !(stream = dialer_start_tls(c, stream, connection_limit(c, clock_after(a->timeout)), err)))
        return false;
    c->login.host = c->host;
    c->params.hello = str_text(&c->hello);
    c->params.secure = implicit || *a->socket;
    c->params.starttls = a->tls && !implicit;
    c->session = session_new(stream, &c->params);
    if (session_hello(c->session, err)) {
        connection_report_step(c, "hello", str_text(&session_capabilities(c->session)->mechanisms),
                               NULL);
        return true;
    }
    if (err->command == COMMAND_TLS)
        return false; /* dialer_start_tls() has reported it */
    if (err->command == COMMAND_GREETING && err->finding == FINDING_SILENT && !implicit &&
        !*a->socket && waits_for_tls(c))
        err->finding = FINDING_TLS_FIRST;
    return connection_step_failed(c, "hello", "", COMMAND_STARTTLS, err);
}

void dialer_end(struct connection *c)
{
    session_end(c->session);
    c->session = NULL;
    c->tls = NULL;
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
            return connection_step_failed(c, "tls", "", COMMAND_TLS, err);
    return true;
}

bool dialer_prepare(struct connection *c, struct error *err)
{
    if (!c->account->tls)
        return true;
    c->module = module_get(err);
    return c->module ? check_tls_files(c, err) : connection_failed_at(err, COMMAND_STARTTLS);
}
