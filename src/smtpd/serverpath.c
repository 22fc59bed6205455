#include "config.h"
#include "smtpd/serverstate.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/escape.h"

/* The length of a path up to END, quoted strings respected. */
static size_t path_length(const char *text, char end)
{
    bool quoted = false;
    size_t i = 0;
    for (; text[i]; i++) {
        if (quoted && text[i] == '\\' && text[i + 1])
            i++;
        else if (text[i] == '"')
            quoted = !quoted;
        else if (!quoted && text[i] == end)
            break;
    }
    return i;
}

bool serverpath_read(const char **text, bool lenient, struct str *address)
{
    const char *at = *text + strspn(*text, " "); /* monit and others write "FROM: <" */
    bool bare = *at != '<';
    if (bare && !lenient)
        return false;
    at += !bare;
    if (!bare && *at == '@') { /* a source route is passed over (RFC 5321, appendix C) */
        size_t route = path_length(at, ':');
        if (at[route] != ':')
            return false;
        at += route + 1;
    }
    size_t len = path_length(at, bare ? ' ' : '>');
    if (!bare && at[len] != '>')
        return false;
    str_add_n(address, at, len);
    *text = at + len + !bare;
    return (**text == '\0' || **text == ' ') && (!bare || len > 0);
}

bool serverpath_is_mailbox(const char *address, bool utf8)
{
    bool quoted = false;
    size_t len = strlen(address);
    if (len > ENVELOPE_ADDRESS_MAX || address[0] == '@' || (len && address[len - 1] == '@'))
        return false;
    if (utf8 ? !escape_is_utf8(address, len) : !escape_is_ascii(address))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (quoted && address[i] == '\\' && address[i + 1])
            i++;
        else if (address[i] == '"')
            quoted = !quoted;
        else if (!quoted && strchr(" <>()\\,;", address[i]))
            return false;
    }
    return !quoted;
}

bool serverpath_parameters(struct server *server, const char *text,
                           bool (*take)(struct server *server, const char *name, const char *value))
{
    struct str name = {0}, value = {0};
    bool ok = true;
    while (ok && *(text += strspn(text, " "))) {
        size_t len = strcspn(text, " ");
        const char *equals = memchr(text, '=', len);
        size_t name_len = equals ? (size_t)(equals - text) : len;
        str_truncate(&name, 0);
        str_truncate(&value, 0);
        for (size_t i = 0; i < name_len; i++)
            str_add_char(&name, (char)toupper((unsigned char)text[i]));
        if (equals)
            str_add_n(&value, equals + 1, len - name_len - 1);
        ok = take(server, str_text(&name), str_text(&value));
        text += len;
    }
    str_clear(&name);
    str_clear(&value);
    return ok;
}
