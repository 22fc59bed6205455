#include "config.h"
#include "smtp/mailbox.h"

#include <string.h>
#include <sysexits.h>

#include "base/escape.h"
#include "base/module.h"
#include "message/address.h"

/* Octets that mean themselves to every server, as nearly all addresses are made of. */
static bool is_plain(const char *address)
{
    const char *c = address;
    while (*c > ' ' && *c < 127 && *c != '<' && *c != '>' && *c != '"' && *c != '\\')
        c++;
    return *c == '\0';
}

/* True if a server that reads up to the '>' reads exactly this. */
static bool is_closed(const char *address)
{
    bool quoted = false;
    for (const char *c = address; *c; c++) {
        if (quoted && *c == '\\' && c[1])
            c++;
        else if (*c == '"')
            quoted = !quoted;
        else if (!quoted && (*c == ' ' || *c == '<' || *c == '>'))
            return false;
    }
    return !quoted && !escape_has_control(address);
}

bool mailbox_add(struct str *out, const char *address, struct smtputf8 *utf8,
                 enum error_scope scope, struct error *err)
{
    bool plain = is_plain(address);
    if (!plain && !is_closed(address))
        return error_set(err, scope, ERROR_PERMANENT, EX_DATAERR, "<%s> is not an address",
                         address);
    if (plain || escape_is_ascii(address)) {
        str_add(out, address);
        return true;
    }
    struct str ascii = {0};
    bool done = address_to_alabel(&ascii, address) && escape_is_ascii(str_text(&ascii));
    bool needed = !done && utf8->offered && escape_is_utf8(address, strlen(address));
    if (done || needed)
        str_add(out, done ? str_text(&ascii) : address);
    str_clear(&ascii);
    utf8->needed = utf8->needed || needed;
    if (done || needed)
        return true;
    if (!escape_is_ascii(address_domain(address)) && !module_get(err)) {
        err->scope = scope; /* it may have A-labels when the installation is complete */
        return false;
    }
    return error_set(err, scope, ERROR_PERMANENT, EX_UNAVAILABLE,
                     "<%s> needs a server with SMTPUTF8, and this one does not offer it", address);
}
