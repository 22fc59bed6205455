/* A reply as the facts of an error. What it means for the mail is decided by delivery/verdict.c. */
#ifndef REFUSAL_H
#define REFUSAL_H

#include "base/error.h"
#include "smtp/reply.h"

/* Fills ERR with a text of its own, the command and the reply to it. Until verdict_judge() has
 * decided, scope, class and code are those of any failure of a session: account, temporary,
 * EX_TEMPFAIL. Returns false. */
bool refusal_set(struct error *err, enum error_command command, const struct reply *reply,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Puts the reply into an error that is filled already. */
void refusal_keep_reply(struct error *err, const struct reply *reply);

#endif
