/* What a server's refusal says about the mail: the facts of an error, from a reply. */
#ifndef REFUSAL_H
#define REFUSAL_H

#include "base/error.h"
#include "smtp/reply.h"

/* Fills ERR with the reply and a text of its own. 4xx: temporary, EX_TEMPFAIL. 5xx: permanent,
 * CODE. Anything else is not a refusal but nonsense: account, temporary, EX_PROTOCOL. 530, 534, 535
 * and 538 (RFC 4954, 6) are about the login wherever they come: account, permanent, EX_NOPERM.
 * Returns false. */
bool refusal_set(struct error *err, const struct reply *reply, enum error_scope scope, int code,
                 const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Puts the reply into an error that is filled already. */
void refusal_keep_reply(struct error *err, const struct reply *reply);

#endif
