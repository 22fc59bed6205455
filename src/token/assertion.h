/* Signed statements instead of a secret: private_key_jwt (RFC 7523, 2.2) for a client, and the
 * assertion of a service account (RFC 7523, 2.1). */
#ifndef ASSERTION_H
#define ASSERTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "token/tokenrequest.h"

struct assertion_facts {
    const char *audience; /* the token endpoint */
    bool pss;             /* the server takes no RS256 */
    int64_t now;          /* seconds since 1970 */
};

/* Appends a JWT (RFC 7519) that says who the client is, valid for five minutes, signed with the
 * request's key; its certificate, where there is one, is named in the header as Microsoft wants. */
bool assertion_of_client(const struct token_request *request, const struct assertion_facts *facts,
                         struct str *out, struct error *err);

/* Appends one in which the service account asks to act for the request's user, for an hour. The key
 * file is PEM, or Google's JSON, which names the account as well. */
bool assertion_of_service(const struct token_request *request, const struct assertion_facts *facts,
                          struct str *out, struct error *err);

#endif
