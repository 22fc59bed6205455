/* Remote message queue starting (RFC 1985). */
#include "config.h"
#include "smtp/sessionstate.h"

#include <sysexits.h>

#include "smtp/refusal.h"

bool session_start_queue(struct session *session, const char *name, struct error *err)
{
    struct wire *wire = &session->wire;
    if (!session->capabilities.etrn)
        return error_set(err, ERROR_ACCOUNT, ERROR_PERMANENT, EX_UNAVAILABLE,
                         "the server does not offer remote message queue starting (ETRN)");
    if (!wire_begin(wire, COMMAND_ETRN, err) || !wire_command(wire, err, "ETRN %s", name) ||
        !wire_reply(wire, session->params->timeout, err))
        return false;
    if (wire->reply.code >= 250 && wire->reply.code <= 253)
        return true;
    return refusal_set(err, COMMAND_ETRN, &wire->reply, "the server does not start the queue %s",
                       name);
}
