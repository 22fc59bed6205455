/* Getting an access token without a person: by a refresh token, as the client itself, or as a
 * service account. */
#ifndef GRANT_H
#define GRANT_H

#include <stdbool.h>

#include "base/error.h"
#include "token/endpoint.h"

/* Fills TOKENS; a server that rotates none leaves the refresh token REFRESH (RFC 6749, 6) there.
 * REFRESH is needed where the request has a person and is "" elsewhere. */
bool grant_renew(struct endpoints *endpoints, const char *refresh, struct tokens *tokens,
                 struct error *err);

#endif
