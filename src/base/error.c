#include "config.h"
#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/escape.h"
#include "base/memory.h"
#include "base/str.h"
#include "base/translation.h"

static void begin(struct error *err, enum error_scope scope, enum error_class class, int code)
{
    memset(err, 0, sizeof *err);
    err->scope = scope;
    err->class = class;
    err->code = code;
}

void error_write(struct error *err, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    translation_format(err->shown, sizeof err->shown, format, again);
    va_end(again);
    (void)vsnprintf(err->text, sizeof err->text, format, args); /* a cut text is still a text */
    (void)escape_text(err->text, strlen(err->text));
    (void)escape_text(err->shown, strlen(err->shown));
}

/* Makes SHOWN begin like TEXT, where it has nothing of its own yet and is about to get something.
 */
static void begin_shown(struct error *err)
{
    if (!*err->shown && translation_is_on())
        memcpy(err->shown, err->text, sizeof err->shown);
}

static void put_behind(char *text, const char *more)
{
    size_t used = strlen(text);
    (void)snprintf(text + used, ERROR_TEXT_MAX - used, "%s", more); /* cut if overlong */
}

/* "BEFORE: TEXT" in TEXT, which has ERROR_TEXT_MAX octets as BEFORE has. */
static void put_before(char *text, char *before)
{
    size_t used = strlen(before);
    (void)snprintf(before + used, ERROR_TEXT_MAX - used, ": %s", text);
    (void)escape_text(before, strlen(before));
    memcpy(text, before, ERROR_TEXT_MAX);
}

bool error_set(struct error *err, enum error_scope scope, enum error_class class, int code,
               const char *format, ...)
{
    va_list args;
    va_start(args, format);
    begin(err, scope, class, code);
    error_write(err, format, args);
    va_end(args);
    return false;
}

bool error_usage(struct error *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    begin(err, ERROR_MESSAGE, ERROR_PERMANENT, EX_USAGE);
    error_write(err, format, args);
    va_end(args);
    return false;
}

bool error_config(struct error *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    begin(err, ERROR_ACCOUNT, ERROR_PERMANENT, EX_CONFIG);
    error_write(err, format, args);
    va_end(args);
    return false;
}

bool error_system(struct error *err, int code, const char *format, ...)
{
    int number = errno;
    va_list args;
    va_start(args, format);
    begin(err, ERROR_ACCOUNT, ERROR_TEMPORARY, code);
    error_write(err, format, args);
    va_end(args);
    errno = number;
    return error_add(err, ": ", "%m");
}

bool error_prefix(struct error *err, const char *format, ...)
{
    char text[ERROR_TEXT_MAX];
    va_list args;
    begin_shown(err);
    va_start(args, format);
    translation_format(text, sizeof text, format, args);
    va_end(args);
    if (*text)
        put_before(err->shown, text);
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args); /* cut if overlong */
    va_end(args);
    put_before(err->text, text);
    return false;
}

bool error_add(struct error *err, const char *separator, const char *format, ...)
{
    int number = errno;
    va_list args;
    begin_shown(err);
    if (*err->shown)
        put_behind(err->shown, separator);
    size_t used = strlen(err->shown);
    va_start(args, format);
    translation_format(err->shown + used, sizeof err->shown - used, format, args);
    va_end(args);
    put_behind(err->text, separator);
    used = strlen(err->text);
    errno = number; /* for %m */
    va_start(args, format);
    (void)vsnprintf(err->text + used, sizeof err->text - used, format, args); /* cut if overlong */
    va_end(args);
    (void)escape_text(err->text, strlen(err->text));
    (void)escape_text(err->shown, strlen(err->shown));
    errno = number;
    return false;
}

void error_show(struct error *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    translation_format(err->shown, sizeof err->shown, format, args);
    va_end(args);
    (void)escape_text(err->shown, strlen(err->shown));
}

struct error *error_copy(const struct error *err)
{
    struct error *copy = memory_new(sizeof *copy);
    *copy = *err;
    return copy;
}

const char *error_command_name(enum error_command command)
{
    static const char *const names[] = {
        [COMMAND_NONE] = N_("session"),
        [COMMAND_PASSWORD] = N_("password"),
        [COMMAND_TOKEN] = N_("token"),
        [COMMAND_CONNECT] = N_("connect"),
        [COMMAND_TLS] = "TLS",
        [COMMAND_GREETING] = N_("greeting"),
        [COMMAND_EHLO] = "EHLO",
        [COMMAND_STARTTLS] = "STARTTLS",
        [COMMAND_AUTH] = "AUTH",
        [COMMAND_MAIL] = "MAIL FROM",
        [COMMAND_RCPT] = "RCPT TO",
        [COMMAND_DATA] = "DATA",
        [COMMAND_CONTENT] = N_("message"),
        [COMMAND_RSET] = "RSET",
        [COMMAND_ETRN] = "ETRN",
    };
    return names[command];
}

const char *error_code_name(int code)
{
    static const char *const names[] = {
        [EX_OK] = "EX_OK",
        [EX_USAGE] = "EX_USAGE",
        [EX_DATAERR] = "EX_DATAERR",
        [EX_NOINPUT] = "EX_NOINPUT",
        [EX_NOUSER] = "EX_NOUSER",
        [EX_NOHOST] = "EX_NOHOST",
        [EX_UNAVAILABLE] = "EX_UNAVAILABLE",
        [EX_SOFTWARE] = "EX_SOFTWARE",
        [EX_OSERR] = "EX_OSERR",
        [EX_OSFILE] = "EX_OSFILE",
        [EX_CANTCREAT] = "EX_CANTCREAT",
        [EX_IOERR] = "EX_IOERR",
        [EX_TEMPFAIL] = "EX_TEMPFAIL",
        [EX_PROTOCOL] = "EX_PROTOCOL",
        [EX_NOPERM] = "EX_NOPERM",
        [EX_CONFIG] = "EX_CONFIG",
    };
    if (code < 0 || (size_t)code >= sizeof names / sizeof *names || !names[code])
        return "EX_???";
    return names[code];
}

static void explain(const struct error *err, const char *text, struct str *out)
{
    str_add(out, text);
    str_add(out, *err->reply && *text ? ": " : "");
    for (const char *at = err->reply; *at; at++)
        str_add_char(out, *at == '\n' ? ' ' : *at);
}

void error_explain(const struct error *err, struct str *out)
{
    explain(err, err->text, out);
}

void error_explain_shown(const struct error *err, struct str *out)
{
    explain(err, error_shown(err), out);
}

const char *error_shown(const struct error *err)
{
    return *err->shown ? err->shown : err->text;
}
