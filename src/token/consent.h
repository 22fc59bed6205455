/* A person's login: the authorization code with PKCE in a browser (RFC 6749, 4.1; RFC 7636; RFC
 * 8252), or a code that is entered on another device (RFC 8628). */
#ifndef CONSENT_H
#define CONSENT_H

#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"
#include "token/endpoint.h"

enum { CONSENT_TIME = 15 * 60 * 1000 }; /* milliseconds that the person has */

/* Fills TOKENS. What the person has to do is written to OUT. False, EX_NOPERM: it was refused, or
 * nobody answered; EX_CONFIG: the server has no such login. */
bool consent_by_browser(struct endpoints *endpoints, FILE *out, struct tokens *tokens,
                        struct error *err);
bool consent_by_device(struct endpoints *endpoints, FILE *out, struct tokens *tokens,
                       struct error *err);

#endif
