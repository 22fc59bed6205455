#include "config.h"
#include "compat/msmtpcode.h"

#include <sysexits.h>

const bool msmtpcode_is_built_in = true;

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
    switch (err->command) {
    case COMMAND_NONE:
    case COMMAND_CONNECT:
        break;
    case COMMAND_TOKEN:
    case COMMAND_PASSWORD: /* a command that fails is a mistake in the configuration to it */
        return err->code == EX_CONFIG ? EX_UNAVAILABLE : EX_CONFIG;
    case COMMAND_TLS:
        return of_tls(err);
    case COMMAND_GREETING: /* msmtp says 76 of 421 too, and a script then gives up (RFC 5321, 3.8)
                            */
        if (err->reply_code / 100 == 4)
            return EX_TEMPFAIL;
        return replied ? EX_PROTOCOL : of_connection(err);
    case COMMAND_EHLO:
    case COMMAND_STARTTLS:
        return replied ? EX_PROTOCOL : of_connection(err);
    case COMMAND_AUTH:
        return replied ? EX_NOPERM : of_connection(err);
    case COMMAND_MAIL:
    case COMMAND_RCPT:
    case COMMAND_DATA:
    case COMMAND_RSET:
    case COMMAND_ETRN:
        return replied ? of_refusal(err) : of_connection(err);
    case COMMAND_CONTENT:
        return replied && err->code != EX_PROTOCOL ? EX_UNAVAILABLE : of_connection(err);
    }
    return err->code;
}
