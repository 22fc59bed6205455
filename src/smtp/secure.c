#include "config.h"
#include "smtp/sessionstate.h"

#include <sysexits.h>

#include "smtp/refusal.h"

bool secure_start(struct session *session, struct error *err)
{
    struct wire *wire = &session->wire;
    const struct session_params *params = session->params;
    if (!session->capabilities.starttls) {
        (void)error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_UNAVAILABLE,
                        "the server does not offer STARTTLS");
        err->finding = FINDING_NO_STARTTLS;
        return false;
    }
    if (!wire_begin(wire, COMMAND_STARTTLS, err) || !wire_command(wire, err, "STARTTLS") ||
        !wire_reply(wire, params->timeout, err))
        return false;
    if (wire->reply.code != 220)
        return refusal_set(err, COMMAND_STARTTLS, &wire->reply, "the server refused STARTTLS");
    /* Octets behind the 220 came in the clear: an attacker may have put them there, to be
     * taken for the server's answers inside TLS. */
    if (!wire_begin(wire, COMMAND_STARTTLS, err))
        return false;
    capability_clear(&session->capabilities);
    wire->stream =
        params->start_tls(params->context, wire->stream, wire_deadline(wire, params->timeout), err);
    session->secure = wire->stream != NULL;
    wire->broken = !session->secure;
    return session->secure;
}
