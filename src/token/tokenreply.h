/* What an authorization server says in JSON: tokens (RFC 6749, 5.1), errors (5.2), a device code
 * (RFC 8628, 3.2), a description of itself (RFC 8414, 3.2), and Google's key file. The only file
 * that knows jansson. */
#ifndef TOKENREPLY_H
#define TOKENREPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* Zeroed memory is an answer that says nothing. Texts have no control characters. */
struct token_reply {
    struct str access, refresh; /* secrets */
    struct str scope, type;     /* type: token_type */
    int64_t expires_in;         /* seconds; -1: not said */
    struct str error, description;
    /* device */
    struct str device_code; /* a secret */
    struct str user_code, verification_uri;
    int64_t interval; /* seconds between two questions; -1: not said */
    /* description of the server */
    struct str issuer, authorization_endpoint, token_endpoint, device_endpoint;
    bool lists_auth_methods, takes_post; /* client_secret_post */
    bool lists_algorithms, takes_rs256;
    /* key file of a service account */
    struct str client_email, key_id;
    struct str private_key; /* a secret; the only text that may have line ends */
};

/* Prepares the library: once. What it frees is wiped. */
void tokenreply_begin(void);

/* Reads TEXT, one JSON object; what is not known is passed over, and a value of another type, or
 * one with control characters, counts as missing. False if it is none, or has a name twice. */
bool tokenreply_parse(const char *text, size_t len, struct token_reply *reply);

void tokenreply_clear(struct token_reply *reply);

#endif
