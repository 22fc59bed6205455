#include "config.h"
#include "smtp/sessionstate.h"

#include "base/translation.h"
#include "smtp/refusal.h"

/* Whatever the server objects to here is not the mail, and may be over tomorrow. */
static bool refused(struct session *session, const char *what, struct error *err)
{
    struct wire *wire = &session->wire;
    wire->broken = true;
    return refusal_set(err, wire->command, &wire->reply, "%s", what);
}

static bool greeting(struct session *session, struct error *err)
{
    struct wire *wire = &session->wire;
    wire->command = COMMAND_GREETING;
    wire_expect(wire, 1);
    if (!wire_reply(wire, session->params->timeout, err))
        return false;
    return wire->reply.code == 220 || refused(session, N_("the server does not serve us now"), err);
}

static bool say(struct session *session, const char *verb, struct error *err)
{
    struct wire *wire = &session->wire;
    capability_clear(&session->capabilities);
    return wire_begin(wire, COMMAND_EHLO, err) &&
           wire_command(wire, err, "%s %s", verb, session->params->hello) &&
           wire_reply(wire, session->params->timeout, err);
}

static bool hello(struct session *session, struct error *err)
{
    struct wire *wire = &session->wire;
    bool lmtp = session->params->lmtp;
    if (!say(session, lmtp ? "LHLO" : "EHLO", err))
        return false;
    if (wire->reply.code == 250) {
        capability_read(&session->capabilities, &wire->reply);
        session->capabilities.requiretls = session->capabilities.requiretls && session->secure;
        return true;
    }
    /* A server that does not know EHLO (RFC 5321, 3.2) */
    if (!lmtp && wire->reply.code / 100 == 5 && !say(session, "HELO", err))
        return false;
    return wire->reply.code == 250 || refused(session, N_("the server refused our greeting"), err);
}

bool session_hello(struct session *session, struct error *err)
{
    if (!greeting(session, err) || !hello(session, err))
        return false;
    if (!session->params->starttls)
        return true;
    return secure_start(session, err) && hello(session, err);
}
