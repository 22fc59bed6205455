/* The access token of an account with `oauth`: the one that is kept as long as it lives, else what
 * libexec/onehop-token gets. That program alone speaks to the authorization server; it reads a
 * request on standard input, so that nothing of it is in an argv or the environment. */
#ifndef TOKENSOURCE_H
#define TOKENSOURCE_H

#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"
#include "config/password.h"

enum { TOKENSOURCE_ANSWER_MAX = 128 * 1024 }; /* octets that the program prints at most */

/* Appends the request that MODE ("token", "login", "device") makes for ACCOUNT, in lines of KEY
 * VALUE: see token/tokenrequest.h. It does not end yet. */
void tokensource_request(struct str *out, const struct account *account,
                         const struct password_sources *sources, const char *mode);

/* True if the program is installed. False: account, temporary, EX_OSFILE, naming the package. */
bool tokensource_program(const struct paths *paths, struct error *err);

/* True if CALLER can read a first token for ACCOUNT among its credentials: NAME.token. */
bool tokensource_has_seed(const struct account *account, const struct caller *caller);

/* True if SITE's caller can read what ACCOUNT logs in with: its secret and key, and a person's
 * tokens. */
bool tokensource_is_readable(const struct account *account, const struct site *site);

/* Fills OUT, a secret. SOURCES->refused is a token that the mail server did not take, or NULL:
 * another one is got then, unless another process has got one already. What a person must mend:
 * account, permanent, EX_NOPERM (or EX_CONFIG), with the line to run. What passes: account,
 * temporary, COMMAND_TOKEN, with the seconds in `wait` that the server wants to be left alone. */
bool tokensource_find(const struct account *account, const struct password_sources *sources,
                      struct str *out, struct error *err);

#endif
