#include "config.h"
#include "smtp/session.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/memory.h"
#include "smtp/sessionstate.h"

struct session *session_new(struct stream *stream, const struct session_params *params)
{
    struct session *session = memory_new(sizeof *session);
    session->params = params;
    session->secure = params->secure;
    session->wire.stream = stream;
    session->wire.params = params;
    session->wire.limit = params->deadline;
    session->wire.out.secret = true;
    return session;
}

const struct session_capabilities *session_capabilities(const struct session *session)
{
    return &session->capabilities;
}

bool session_takes_requiretls(const struct session_capabilities *capabilities, struct error *err)
{
    static const char status[] = "5.7.30"; /* RFC 8689, 7: REQUIRETLS support required */
    if (capabilities->requiretls)
        return true;
    (void)error_set(err, ERROR_MESSAGE, ERROR_PERMANENT, EX_UNAVAILABLE,
                    "REQUIRETLS support required: the account says `requiretls = on`, and the "
                    "server does not offer it");
    memcpy(err->status, status, sizeof status);
    return false;
}

bool session_usable(const struct session *session)
{
    return !session->wire.broken && wire_is_idle(&session->wire);
}

bool session_chunking_hurt(const struct session *session)
{
    return session->chunking_hurt;
}

bool session_bdat_refused(const struct session *session)
{
    return session->bdat_refused;
}

bool session_streaming_refused(const struct session *session)
{
    return session->streaming_refused;
}

/* The server owes nothing any more: what it says to QUIT, and when, does not matter. */
static void quit(struct wire *wire)
{
    static const char text[] = "QUIT\r\n";
    struct error ignored;
    wire_mark(wire, TRACE_SENT, "QUIT");
    (void)stream_write(wire->stream, text, sizeof text - 1, &ignored);
}

void session_end(struct session *session)
{
    if (!session)
        return;
    if (session_usable(session))
        quit(&session->wire);
    window_clear(session);
    wire_clear(&session->wire);
    capability_clear(&session->capabilities);
    strlist_clear(&session->domains);
    free(session);
}
