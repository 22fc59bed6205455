/* Answers of authorization servers in JSON: texts that are shown have no control characters, tokens
 * have no line end. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/escape.h"
#include "token/tokenreply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct str *text)
{
    if (escape_has_control(str_text(text)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct token_reply reply;
    (void)tokenreply_parse((const char *)data, size, &reply);
    check(&reply.access);
    check(&reply.refresh);
    check(&reply.error);
    check(&reply.description);
    check(&reply.scope);
    check(&reply.user_code);
    check(&reply.verification_uri);
    check(&reply.token_endpoint);
    if (reply.expires_in < -1 || reply.interval < -1)
        abort();
    tokenreply_clear(&reply);
    return 0;
}
