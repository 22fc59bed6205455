#include "config.h"
#include "compat/msmtpcode.h"

#include <sysexits.h>

/* What was not about a reply: the connection, or our own input. */
static int of_connection(const struct error *err)
{
    if (err->closed || err->code == EX_PROTOCOL)
        return EX_PROTOCOL;
    return err->code == EX_TEMPFAIL ? EX_IOERR : err->code;
}

static int of_tls(const struct error *err)
{
    switch (err->code) {
    case EX_NOINPUT:
    case EX_SOFTWARE:
    case EX_UNAVAILABLE:
    case EX_CONFIG:
        return err->code;
    default:
        return EX_PROTOCOL;
    }
}

/* Of MAIL, RCPT and DATA. */
static int of_refusal(const struct error *err)
{
    if (err->code == EX_PROTOCOL && (err->reply_code < 400 || err->reply_code > 599))
        return EX_PROTOCOL;
    return err->reply_code / 100 == 4 ? EX_UNAVAILABLE : EX_DATAERR;
}

int msmtpcode_of(const struct error *err)
{
    bool replied = err->reply_code != 0;
    switch (err->step) {
    case ERROR_STEP_OTHER:
    case ERROR_STEP_CONNECT:
        break;
    case ERROR_STEP_PASSWORD: /* a command that fails is a mistake in the configuration to it */
        return err->code == EX_CONFIG ? EX_UNAVAILABLE : EX_CONFIG;
    case ERROR_STEP_TLS:
        return of_tls(err);
    case ERROR_STEP_HELLO:
        return replied ? EX_PROTOCOL : of_connection(err);
    case ERROR_STEP_LOGIN:
        return replied ? EX_NOPERM : of_connection(err);
    case ERROR_STEP_MAIL:
        return replied ? of_refusal(err) : of_connection(err);
    case ERROR_STEP_CONTENT:
        return EX_UNAVAILABLE;
    }
    return err->code;
}
