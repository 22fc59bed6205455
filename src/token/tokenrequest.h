/* What this program is asked to do: lines of KEY VALUE on standard input, the last one "end". The
 * way of the mail and onehopctl write them (config/tokensource.h): values have no line end, and a
 * secret is either in a file that is named, or the token that was refused. */
#ifndef TOKENREQUEST_H
#define TOKENREQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

enum { TOKENREQUEST_MAX = 256 * 1024 }; /* octets of a request */

struct token_request { /* "" for what was not said */
    char *mode;        /* "token": print one; "login", "device": let a person consent */
    char *account, *user;
    char *grant; /* "person", "client_credentials", "service_account" */
    char *client, *secret_file, *key_file, *cert_file, *service_account;
    char *server, *scope, *issuer, *authorize, *token, *device, *redirect, *parameters, *trust_file;
    char *device_grant; /* "": RFC 8628, 3.4; else the grant_type, and the code is `code` */
    char *login;        /* identifies the login: see config/tokenfile.h */
    char *file;         /* where the tokens are kept; "": nowhere */
    char *credentials;  /* the directory of struct caller; "": none */
    char *seed_file;    /* a file there with the first refresh token */
    struct str refused; /* a secret: the access token that the mail server did not take */
    int64_t timeout;    /* milliseconds; 0: none */
    int64_t deadline;   /* the moment at which it ends */
    int64_t answers;    /* descriptor that a person's answers come from; 0: none */
};

/* Reads TEXT. EX_USAGE if it is no request. */
bool tokenrequest_parse(const char *text, size_t len, struct token_request *request,
                        struct error *err);

void tokenrequest_clear(struct token_request *request);

/* True if a person consents. */
bool tokenrequest_has_person(const struct token_request *request);

#endif
