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

bool refusal_set(struct error *err, enum error_command command, const struct reply *reply,
                 const char *format, ...)
{
    va_list args;
    (void)error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL, "%s", "");
    va_start(args, format);
    error_write(err, format, args);
    va_end(args);
    err->command = command;
    refusal_keep_reply(err, reply);
    return false;
}
