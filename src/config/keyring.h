/* The desktop's keyring, asked through its command: no library of a desktop is linked. */
#ifndef KEYRING_H
#define KEYRING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "config/configuration.h"

/* Asks for the password of the account's user at SERVER, as the key `keyring` says: secret-tool
 * with the attributes msmtp stores (host, service smtp, user), or `pass show SERVER/USER`. With
 * auto secret-tool is only asked where it is in CALLER's path and there is a session to ask in.
 * True if OUT, a secret, got an answer; every failure counts as no answer. */
bool keyring_find(const struct account *account, const struct caller *caller, const char *server,
                  int64_t deadline, struct str *out);

/* Asks GNOME Online Accounts, on the session's bus, for an access token of the account that has the
 * mail address of the account's user (keyring = goa). GNOME renews it. Appends it to OUT, a secret.
 * False: account, temporary, EX_TEMPFAIL, with what to do. */
bool keyring_token(const struct account *account, int64_t deadline, struct str *out,
                   struct error *err);

#endif
