/* The two things this program does, from the request to the file of tokens. */
#ifndef RENEWAL_H
#define RENEWAL_H

#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"
#include "base/str.h"
#include "token/tokenrequest.h"

/* Appends an access token to OUT, a secret: the one that is kept, if it lives and is not the one
 * that was refused, else a new one, which is kept before it is given. Only one process asks the
 * server at a time; a process that waited for it takes what it got. Where a file cannot be made and
 * no person is needed (containers), the token is not kept. */
bool renewal_token(const struct token_request *request, struct str *out, struct error *err);

/* Lets a person consent (mode "login", "device"), or asks once more where none is needed, keeps
 * what came, and writes to OUT what was granted and until when. */
bool renewal_login(const struct token_request *request, FILE *out, struct error *err);

#endif
