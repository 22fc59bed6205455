/* What a failure means. The one place that combines scope, class and code; it takes values and
 * returns values. */
#ifndef VERDICT_H
#define VERDICT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/strlist.h"
#include "message/outcome.h"

struct verdict_rules {
    const char *sender;            /* of the envelope */
    const char *own_address;       /* the account's, or "" */
    const struct strlist *trouble; /* parts of replies that the provider means for the account */
};

/* Turns a reply that blames the mail, but means the account, into account trouble: a 5xx to MAIL
 * though the sender is the account's own address; the status codes 5.4.5, 5.7.30, 5.7.57, 5.7.60;
 * and the provider's patterns. Account trouble is temporary unless it already was permanent. */
void verdict_classify(struct error *err, const struct verdict_rules *rules);

struct verdict {
    int code; /* the exit status where nothing stays queued */
    size_t sent;
    size_t deferred; /* refused for now, or untried */
    size_t failed;   /* refused for good */
    size_t worst;    /* index of the outcome that CODE is taken from; n where there is none */
};

/* The verdict on one attempt for a caller that has no queue. FAILURE is what ended the attempt as a
 * whole, NULL if nothing did. A refusal for good decides over a temporary one, since trying again
 * would not help that recipient; 0 only if all N were sent. */
struct verdict verdict_of(const struct outcome *outcomes, size_t n, const struct error *failure);

/* True if nobody got the mail and nobody will: every recipient was refused for good, or the message
 * itself was. FAILURE as for verdict_of(). */
bool verdict_is_refusal(const struct verdict *verdict, const struct error *failure);

/* True if the mail is refused permanently. An account failure never refuses mail. */
bool verdict_is_final(const struct error *err);

/* The exit status of an error where nothing stays queued: account trouble is 75, but for the login
 * (77), malformed replies (76), an unknown host (68), input or output (74) and the configuration
 * (78); other temporary trouble is 75 or 76; what is permanent keeps its code. */
int verdict_code(const struct error *err);

#endif
