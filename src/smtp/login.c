#include "config.h"
#include "smtp/sessionstate.h"

#include <string.h>
#include <sysexits.h>

#include "base/base64.h"
#include "base/escape.h"
#include "base/sasl.h"
#include "base/translation.h"
#include "smtp/exchange.h"
#include "smtp/refusal.h"

enum {
    AUTH_LINE_MAX = 512, /* octets with CRLF of the command (RFC 4954, 4); of a response 12288 */
    EXPLANATION_MAX = 256,
    EXCHANGE_TURNS_MAX = 16
};

static bool cannot(struct error *err, const char *format, const char *name)
{
    return error_set(err, ERROR_ACCOUNT, ERROR_PERMANENT, EX_UNAVAILABLE, format, name);
}

static void encode(const struct sasl *sasl, const struct sasl_login *login, unsigned step,
                   struct str *coded)
{
    struct str plain = {.secret = true};
    sasl->respond(login, step, &plain);
    base64_encode(coded, str_text(&plain), plain.len);
    str_clear(&plain);
}

/* Queues the command, with the INITIAL response (NULL: there is none) if *FITS: what would make the
 * line too long follows the first 334, which costs a round trip. */
static bool begin(struct wire *wire, const struct sasl *sasl, const struct str *initial, bool *fits,
                  struct error *err)
{
    struct str line = {0};
    str_addf(&line, "AUTH %s ", sasl->name);
    *fits = initial && line.len + initial->len + 2 <= AUTH_LINE_MAX;
    bool ok = wire_begin(wire, COMMAND_AUTH, err);
    if (ok && *fits && initial->len > 0)
        ok = wire_secret(wire, line.data, initial, err);
    else if (ok) /* "=": empty, but there */
        ok = wire_command(wire, err, "AUTH %s%s", sasl->name, *fits ? " =" : "");
    str_clear(&line);
    return ok;
}

static bool start(struct session *session, const struct sasl *sasl, unsigned *step,
                  struct error *err)
{
    struct str coded = {.secret = true};
    bool fits;
    if (sasl->initial)
        encode(sasl, session->params->login, 0, &coded);
    bool ok = begin(&session->wire, sasl, sasl->initial ? &coded : NULL, &fits, err);
    *step = fits ? 1 : 0;
    str_clear(&coded);
    return ok;
}

static bool answer(struct session *session, const struct sasl *sasl, unsigned step,
                   struct error *err)
{
    struct str coded = {.secret = true};
    if (step < sasl->responses)
        encode(sasl, session->params->login, step, &coded);
    else
        str_add(&coded, sasl->give_up ? sasl->give_up : "*");
    bool ok = wire_begin(&session->wire, COMMAND_AUTH, err) &&
              wire_secret(&session->wire, "", &coded, err);
    str_clear(&coded);
    return ok;
}

/* The challenge in which OAuth servers say what was wrong. */
static void explain(const struct reply *reply, struct str *explanation)
{
    struct str plain = {0};
    str_clear(explanation);
    if (base64_decode(&plain, str_text(&reply->text), reply->text.len) && plain.len > 0)
        escape_line(explanation, plain.data,
                    plain.len < EXPLANATION_MAX ? plain.len : EXPLANATION_MAX);
    str_clear(&plain);
}

static bool refused(struct wire *wire, const struct sasl *sasl, const char *why, struct error *err)
{
    (void)refusal_set(err, COMMAND_AUTH, &wire->reply, "the server refused the login with %s",
                      sasl->name);
    return *why && error_add(err, ": ", "%s", why);
}

static bool converse(struct session *session, const struct sasl *sasl, struct error *err)
{
    struct wire *wire = &session->wire;
    struct str why = {0};
    unsigned step = 0;
    bool ok = start(session, sasl, &step, err);
    while (ok) {
        ok = wire_reply(wire, session->params->timeout, err);
        if (!ok || wire->reply.code != 334)
            break;
        if (step > sasl->responses) {
            ok = wire_unexpected(wire, err);
            break;
        }
        if (step == sasl->responses)
            explain(&wire->reply, &why);
        ok = answer(session, sasl, step++, err);
    }
    if (ok && step > sasl->responses && wire->reply.code / 100 == 2)
        ok = wire_unexpected(wire, err); /* success after it was cancelled */
    else if (ok && wire->reply.code != 235)
        ok = refused(wire, sasl, str_text(&why), err);
    wire_wipe(wire);
    str_clear(&why);
    return ok;
}

/* Answers the challenge that has come into CODED. */
static bool step(struct session *session, struct exchange *x, struct str *coded, struct error *err)
{
    struct wire *wire = &session->wire;
    struct error ignored;
    str_truncate(coded, 0);
    if (exchange_step(x, str_text(&wire->reply.text), coded, err))
        return true;
    /* RFC 4954, 4: "*" ends it, and the server says so */
    if (wire_begin(wire, COMMAND_AUTH, &ignored) && wire_command(wire, &ignored, "*"))
        (void)wire_reply(wire, session->params->timeout, &ignored);
    return false;
}

static bool converse_exchange(struct session *session, const struct sasl *sasl,
                              const struct binding *binding, struct error *err)
{
    struct wire *wire = &session->wire;
    struct exchange *x = exchange_begin(sasl->name, session->params->login, binding, err);
    struct str coded = {.secret = true};
    bool fits = false;
    bool ok = x && (!sasl->initial || exchange_step(x, NULL, &coded, err)) &&
              begin(wire, sasl, sasl->initial ? &coded : NULL, &fits, err) &&
              wire_reply(wire, session->params->timeout, err);
    bool waits = sasl->initial && !fits;
    for (int turn = 0; ok && wire->reply.code == 334; turn++) {
        if (turn > EXCHANGE_TURNS_MAX)
            ok = wire_unexpected(wire, err);
        ok = ok && (waits || step(session, x, &coded, err)) &&
             wire_begin(wire, COMMAND_AUTH, err) && wire_secret(wire, "", &coded, err) &&
             wire_reply(wire, session->params->timeout, err);
        waits = false;
    }
    if (ok && wire->reply.code != 235)
        ok = refused(wire, sasl, "", err);
    else if (ok && !exchange_is_done(x))
        ok = error_set(err, ERROR_ACCOUNT, ERROR_PERMANENT, EX_PROTOCOL,
                       "the server did not prove that it knows the password (%s)", sasl->name);
    wire_wipe(wire);
    str_clear(&coded);
    exchange_end(x);
    return ok;
}

static const struct sasl *offered(const struct session *session, const char *name, bool bound)
{
    const char *mechanisms = str_text(&session->capabilities.mechanisms);
    return sasl_choose(name, mechanisms, bound, exchange_knows);
}

static bool log_in_with(struct session *session, const struct sasl *sasl,
                        const struct binding *binding, struct error *err)
{
    const struct sasl_login *login = session->params->login;
    if (!sasl) {
        const struct sasl *named = sasl_find(login->mechanism);
        (void)cannot(err, N_("the server does not offer a login with %s"),
                     named             ? named->name
                     : login->is_token ? "XOAUTH2, OAUTHBEARER"
                                       : "SCRAM, PLAIN, LOGIN");
        const struct str *all = &session->capabilities.mechanisms; /* " ONE TWO " */
        if (all->len > 2)
            (void)error_add(err, "; ", "it offers %.*s", (int)all->len - 2, all->data + 1);
        if (!login->is_token && offered(session, "XOAUTH2", false) && !offered(session, "", false))
            err->finding = FINDING_TOKENS_ONLY;
        return false;
    }
    if (sasl->shows_secret && !session->secure && !login->without_tls)
        return cannot(err, N_("a login with %s would show the password to everybody: use TLS"),
                      sasl->name);
    if (sasl->binds && binding->kind == BINDING_UNSAFE)
        return cannot(err,
                      N_("a login with %s is not safe here: this TLS 1.2 has no extended "
                         "master secret (RFC 7627)"),
                      sasl->name);
    if (sasl->binds && binding->kind == BINDING_NONE)
        return cannot(err, N_("a login with %s binds to TLS, and there is none"), sasl->name);
    return sasl->exchange ? converse_exchange(session, sasl, binding, err)
                          : converse(session, sasl, err);
}

static const struct sasl *choose(const struct session *session, bool bound)
{
    const struct sasl_login *login = session->params->login;
    if (*login->mechanism || !login->is_token)
        return offered(session, login->mechanism, bound);
    const struct sasl *sasl = offered(session, "XOAUTH2", bound);
    return sasl ? sasl : offered(session, "OAUTHBEARER", bound);
}

bool session_login(struct session *session, struct error *err)
{
    const struct sasl_login *login = session->params->login;
    if (!login)
        return true;
    if (!session->capabilities.auth)
        return error_set(err, ERROR_ACCOUNT, ERROR_PERMANENT, EX_UNAVAILABLE,
                         "the server does not offer a login (AUTH)");
    struct binding binding = {0};
    const struct session_params *params = session->params;
    if (params->channel_binding)
        params->channel_binding(params->context, &binding);
    /* Not every server with -PLUS knows tls-unique: an account can name the mechanism for that. */
    const struct sasl *sasl = choose(session, binding.kind == BINDING_EXPORTER);
    if (sasl && !sasl->binds)
        str_clear(&binding.data);
    bool ok = log_in_with(session, sasl, &binding, err);
    str_clear(&binding.data);
    return ok;
}
