/* What a failure means: for the mail, for the account, for the calling shell. The one place where a
 * reply's code, its enhanced status code and its text are interpreted: a table, a row a rule, with
 * its reason. Pure. */
#ifndef VERDICT_H
#define VERDICT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/strlist.h"
#include "message/outcome.h"

/* What a rule may depend on besides the reply. */
struct verdict_facts {
    const char *sender;      /* of the envelope */
    const char *own_address; /* the account's, or "" */
    const struct strlist
        *account_patterns; /* parts of replies that the provider means for the account */
    bool requires_tls;     /* the mail was sent with REQUIRETLS */
};

/* Decides scope, class, code and cause of an error that a session has noted. FACTS is NULL before
 * there is an envelope. What is no refusal (no reply, or one that makes no sense: EX_PROTOCOL)
 * keeps what the place that noticed it said, but for the cause. */
void verdict_judge(struct error *err, const struct verdict_facts *facts);

/* The same for those of N outcomes that are refusals. */
void verdict_judge_all(struct outcome *outcomes, size_t n, const struct verdict_facts *facts);

/* ERR is a failure of the account that only this message meets. Where
 * only its sender, which is the account's, made it one, it is a refusal of the message; all else is
 * temporary, so that the message waits alone. PATTERNS are those of the facts. */
void verdict_blame_message(struct error *err, const struct strlist *patterns);

struct verdict {
    int code; /* the exit status where nothing stays queued */
    size_t sent;
    size_t deferred; /* refused for now, or untried */
    size_t failed;   /* refused permanently */
    bool refusal;    /* nobody got the mail and nobody will: every recipient was refused
                        permanently, or the message itself was */
    const struct error
        *why; /* the worst refusal, permanent ones first, else what ended the attempt;
                 NULL where all were sent or deferred without a reply. Borrowed */
};

/* The verdict on one attempt for a caller that has no queue. FAILURE is what ended the attempt as a
 * whole, NULL if nothing did. A permanent refusal decides over a temporary one, since trying again
 * would not help that recipient; 0 only if all N were sent. */
struct verdict verdict_of(const struct outcome *outcomes, size_t n, const struct error *failure);

/* True if the mail is refused permanently. An account failure never refuses mail. */
bool verdict_is_final(const struct error *err);

/* True if a final refusal says that the recipient is not there, or takes no mail: any provider
 * would say so. False: it is about the sender, the message, or what this provider relays. */
bool verdict_is_about_mailbox(const struct error *err);

/* True if the account will fail until a person does something: its login, its sender, a
 * certificate, its configuration. */
bool verdict_needs_person(const struct error *err);

/* The exit status of an error where nothing stays queued: an account failure is 75, but for the
 * login (77), malformed replies (76), an unknown host (68), input or output (74) and the
 * configuration (78); other temporary failures are 75 or 76; what is permanent keeps its code. */
int verdict_code(const struct error *err);

#endif
