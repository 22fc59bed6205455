/* Another account for mail of one that cannot be used: `fallback` of the account, once it has not
 * been reached, or has not taken the login, for `fallback_after`. One step: the other account's own
 * fallback is for its own mail. The account itself goes on being probed as its breaker says, and
 * has its mail again as soon as it works. */
#ifndef FALLBACK_H
#define FALLBACK_H

#include "queue/breaker.h"
#include "queue/entry.h"
#include "delivery/account_access.h"

/* The account that ACCOUNT names as its fallback, if it carries ACCOUNT's mail at NOW: not mail
 * failed but the way to the provider or the login, for long enough, and BREAKER, which is
 * ACCOUNT's, lets nothing of this urgency try. NULL: there is none, or ACCOUNT is used. */
const struct account *fallback_in_use(const struct site *site, const struct account *account,
                                      const struct breaker *breaker, enum delivery_urgency urgency,
                                      int64_t now);

/* The same by the breaker in the account's state, which is read only where there is a fallback. */
const struct account *fallback_choose(const struct delivery_context *delivery,
                                      const struct account *account, enum delivery_urgency urgency);

/* Whether the submitter of ENTRY may use OTHER (allow_users, allow_groups). */
bool fallback_may_carry(const struct account *other, const struct entry *entry);

/* Whether ENTRY, if it is relayed through the account called THROUGH, is the mail of another that
 * falls back to it. */
bool fallback_is_carried(const struct site *site, const struct entry *entry, const char *through);

/* Says in what ATTEMPT met that it met it at THROUGH, which carries the mail of another account. Of
 * its refusals only those are final that say that a mailbox is not there: the others are about what
 * this provider relays, and the account that the mail was submitted to was not asked. They become
 * temporary, and WHY gets the first. LOCK has the journal as it was before. */
void fallback_judge(struct attempt *attempt, const struct entry_lock *lock,
                    const struct account *through, struct str *why);

#endif
