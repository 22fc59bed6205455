/* Speaking with the authorization server: where its endpoints are, and one request to them. */
#ifndef ENDPOINT_H
#define ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "config/tokenfile.h"
#include "token/tokenreply.h"
#include "token/tokenrequest.h"
#include "token/webclient.h"

struct endpoints {
    const struct token_request *request;
    struct str issuer; /* "" where it has not described itself */
    struct str authorize, token, device;
    bool basic;           /* a secret is sent by HTTP Basic, else in the form (RFC 6749, 2.3.1) */
    bool pss;             /* no RS256 */
    int64_t deadline;     /* a moment */
    int64_t (*now)(void); /* seconds since 1970 */
};

/* Fills ENDPOINTS from what the request has, and what is missing from the issuer's description of
 * itself (RFC 8414, or OpenID Connect Discovery), whose issuer must be the very one that was asked.
 * False: EX_CONFIG if there is no token endpoint then, or as endpoints_ask(). */
bool endpoints_find(struct endpoints *endpoints, struct error *err);
void endpoints_clear(struct endpoints *endpoints);

struct endpoint_answer {
    struct web_reply http;
    struct token_reply json;
};

/* Sends FORM to URL, or, where it is NULL, gets that, and fills ANSWER. False: there was no JSON
 * object or the server refused, see tokenfailure_set(); ANSWER then has its error code, "" if there
 * was none. Clear it in any case. */
bool endpoints_ask(const struct endpoints *endpoints, const char *url, const struct str *form,
                   struct endpoint_answer *answer, struct error *err);
void endpoint_answer_clear(struct endpoint_answer *answer);

/* Asks the token endpoint, with the proof of who the client is added to FORM, and fills TOKENS:
 * what came, when it ends by this machine's clock, and, where the server does not say, the scope
 * that was asked for. CODE gets the server's error code, "" for none; it may be NULL. */
bool endpoints_ask_tokens(const struct endpoints *endpoints, struct str *form, struct str *code,
                          struct tokens *tokens, struct error *err);

#endif
