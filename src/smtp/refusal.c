#include "config.h"
#include "smtp/refusal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

void refusal_keep_reply(struct error *err, const struct reply *reply)
{
    struct str text = {0};
    if (reply->code != 0)
        reply_print(reply, &text);
    err->reply_code = reply->code;
    memcpy(err->status, reply->status, sizeof err->status);
    (void)snprintf(err->reply, sizeof err->reply, "%s", str_text(&text)); /* cut if need be */
    str_clear(&text);
}

bool refusal_set(struct error *err, const struct reply *reply, enum error_scope scope, int code,
                 const char *format, ...)
{
    char text[ERROR_TEXT_MAX];
    enum error_class class = ERROR_PERMANENT;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    switch (reply->code) {
    case 530:
    case 534:
    case 535:
    case 538:
        scope = ERROR_ACCOUNT;
        code = EX_NOPERM;
        break;
    default:
        if (reply->code / 100 == 5)
            break;
        class = ERROR_TEMPORARY;
        code = EX_TEMPFAIL;
        if (reply->code / 100 != 4) {
            scope = ERROR_ACCOUNT;
            code = EX_PROTOCOL;
        }
    }
    (void)error_set(err, scope, class, code, "%s", text);
    refusal_keep_reply(err, reply);
    return false;
}
