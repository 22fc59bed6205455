/* What an authorization server's refusal means: what a person must do, and when to ask again. */
#ifndef TOKENFAILURE_H
#define TOKENFAILURE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "token/tokenreply.h"
#include "token/tokenrequest.h"
#include "token/webclient.h"

/* Fills ERR for an answer that is no success, or of no use. REPLY is NULL if there was no JSON
 * object in it. What a person must mend: permanent, EX_NOPERM, with the line to run. 429, 5xx,
 * temporarily_unavailable, and what is no JSON: temporary, EX_TEMPFAIL, with the seconds of
 * Retry-After in `wait`. A code that is not known is shown as it came. NOW tells whether this
 * machine's clock is to blame. Returns false. */
bool tokenfailure_set(const struct token_request *request, const struct web_reply *answer,
                      const struct token_reply *reply, int64_t now, struct error *err);

/* Appends " onehopctl login NAME" and the like: what to run for REQUEST's account. Returns false.
 */
bool tokenfailure_advise(const struct token_request *request, struct error *err);

#endif
