/* SASL mechanisms that take more than formatting (SCRAM, RFC 5802 and RFC 7677, CRAM-MD5,
 * DIGEST-MD5, GSSAPI, NTLM), by GNU SASL. exchange.c is the only file that knows the library; built
 * without it, it offers nothing. */
#ifndef EXCHANGE_H
#define EXCHANGE_H

#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"
#include "smtp/session.h"

struct exchange;

/* True if the mechanism of that name can be used here. */
bool exchange_knows(const char *name);

/* Begins a login, whose password must outlive it. BINDING is for a -PLUS mechanism, else none. NULL: account, permanent,
 * EX_UNAVAILABLE where it cannot be used here. */
struct exchange *exchange_begin(const char *name, const struct sasl_login *login,
                                const struct binding *binding, struct error *err);

/* Appends the answer to CHALLENGE, both in base64. NULL: the server has said nothing yet; an empty
 * challenge is one. OUT may be a secret. False: account, permanent, EX_SOFTWARE, what is wrong with
 * the challenge or the login. */
bool exchange_step(struct exchange *exchange, const char *challenge, struct str *out,
                   struct error *err);

/* True if nothing more has to come: with SCRAM the server has proven that it knows the password. */
bool exchange_is_done(const struct exchange *exchange);

void exchange_end(struct exchange *exchange); /* NULL is allowed */

#endif
