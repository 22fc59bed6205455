/* Finding an account's password: with `oauth` a token (config/tokensource.h), else in the order:
 * password, password_file (a bare name is one of the caller's credentials),
 * password_command, ~/.netrc, SYSCONFDIR/netrc, the keyring, the terminal. The answer is a secret.
 */
#ifndef PASSWORD_H
#define PASSWORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "config/site.h"

enum { PASSWORD_MAX = 65536 }; /* octets; OAuth tokens are long */

struct password_sources {
    const struct site *site;
    int64_t deadline;    /* for what runs: a command, a keyring, the token program */
    const char *refused; /* the token that the server did not take: another one; NULL: none */
    bool (*ask)(void *context, const char *prompt, struct str *out); /* the terminal; NULL: none */
    void *context;
    /* Another process that finds the password of its one account, for a caller that is confined:
     * see delivery/password_helper.h. NULL: this one does. */
    struct password_helper *elsewhere;
    bool (*ask_elsewhere)(struct password_helper *helper, const struct password_sources *sources,
                          struct str *out, struct error *err);
};

/* Fills OUT (made a secret) with the first line, without its line end. A password file that group
 * or others can read is an error, unless its file system is read-only, as container runtimes mount
 * secrets; so is one that belongs to neither the caller, root nor the service's user; so is a netrc
 * file that has the password, but not for an account that is as_msmtp. A netrc file that cannot be
 * read is passed over. None found: account, permanent, EX_CONFIG, saying which keys would give one.
 * A failing command: account, temporary, EX_TEMPFAIL (not EX_NOPERM: the server did not refuse the
 * login). */
bool password_find(const struct account *account, const struct password_sources *sources,
                   struct str *out, struct error *err);

#endif
