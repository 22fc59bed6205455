#include "config.h"
#include "delivery/settle.h"

#include <string.h>
#include <sysexits.h>

#include "queue/journal.h"
#include "queue/schedule.h"
#include "delivery/bounce_writer.h"

/* The verdict on one recipient: account trouble is never held against the mail. */
static enum fate fate_of(const struct outcome *o)
{
    if (o->result == OUTCOME_SENT)
        return FATE_SENT;
    bool final =
        o->result == OUTCOME_REFUSED && o->class == ERROR_PERMANENT && o->scope != ERROR_ACCOUNT;
    return final ? FATE_FAILED : FATE_WAITING;
}

static void note_fates(struct claim *claim, const struct attempt *attempt)
{
    struct outcome whole = {0};
    bool mail_failed = attempt->failed && attempt->failure.class == ERROR_PERMANENT &&
                       attempt->failure.scope != ERROR_ACCOUNT;
    if (attempt->failed)
        outcome_refuse(&whole, &attempt->failure);
    for (size_t i = 0; i < attempt->n; i++) {
        const struct outcome *o = &attempt->outcomes[i];
        bool untried = o->result == OUTCOME_UNTRIED;
        enum fate fate = untried && mail_failed ? FATE_FAILED : fate_of(o);
        journal_settle(&claim->journal, i, fate, untried ? &whole : o);
    }
    outcome_clear(&whole, 1);
}

/* Those who still wait when the lifetime is over have failed, for the reason they waited for. */
static void give_up_waiting(struct claim *claim)
{
    for (size_t i = 0; i < claim->journal.n; i++) {
        const struct progress *p = &claim->journal.rcpt[i];
        if (p->fate != FATE_WAITING)
            continue;
        struct error why;
        struct outcome final = {0};
        if (p->why.result == OUTCOME_REFUSED)
            outcome_to_error(&p->why, &why);
        else
            (void)error_set(&why, ERROR_RECIPIENT, ERROR_TEMPORARY, EX_TEMPFAIL,
                            "the provider did not take this recipient");
        (void)error_prefix(&why, "given up after the last of %u attempts", claim->journal.attempts);
        why.class = ERROR_PERMANENT;
        outcome_refuse(&final, &why);
        journal_settle(&claim->journal, i, FATE_FAILED, &final);
        outcome_clear(&final, 1);
    }
}

static bool held_by_account_alone(const struct claim *claim)
{
    for (size_t i = 0; i < claim->journal.n; i++) {
        const struct progress *p = &claim->journal.rcpt[i];
        if (p->fate == FATE_FAILED ||
            (p->fate == FATE_WAITING && p->why.result == OUTCOME_REFUSED &&
             p->why.scope != ERROR_ACCOUNT))
            return false;
    }
    return true;
}

static enum settle_end keep(struct claim *claim, const char *note, struct error *err)
{
    return claim_move(claim, SPOOL_FAILED, note, err) ? SETTLE_KEPT : SETTLE_TROUBLE;
}

static enum settle_end remove_entry(struct claim *claim, struct error *err)
{
    return claim_remove(claim, err) ? SETTLE_DONE : SETTLE_TROUBLE;
}

static enum settle_end put_off(struct claim *claim, struct error *err)
{
    bool ok = claim_postpone(claim, claim->journal.next, err);
    claim_release(claim);
    return ok ? SETTLE_WAITS : SETTLE_TROUBLE;
}

/* Recipients have failed: tell the sender, if that can be told. */
static enum settle_end settle_failed(const struct settlement *settlement, struct claim *claim,
                                     struct error *err)
{
    bool more = journal_count(&claim->journal, FATE_WAITING) > 0;
    switch (bouncing_tell(settlement, claim, err)) {
    case BOUNCING_TOLD:
    case BOUNCING_NOT_WANTED:
        return more ? put_off(claim, err) : remove_entry(claim, err);
    case BOUNCING_NOT_NOW:
        if (more)
            return put_off(claim, err);
        return keep(claim, "too many bounces in this hour", err);
    case BOUNCING_IMPOSSIBLE:
        if (more)
            return put_off(claim, err);
        return keep(claim, "undeliverable, and nobody could be told", err);
    case BOUNCING_TROUBLE:
        break;
    }
    struct error ignored; /* the first trouble is the one to tell */
    (void)claim_postpone(claim, claim->journal.next, &ignored);
    claim_release(claim);
    return SETTLE_TROUBLE;
}

enum settle_end settle_attempt(const struct settlement *settlement, struct claim *claim,
                               const struct attempt *attempt, struct error *err)
{
    const struct relay *relay = settlement->relay;
    int64_t now = relay->now();
    note_fates(claim, attempt);
    if (journal_count(&claim->journal, FATE_SENT) == claim->journal.n)
        return remove_entry(claim, err); /* nothing to journal: the removal says it all */

    size_t failed = journal_count(&claim->journal, FATE_FAILED);
    if (settlement->caller_hears && failed == claim->journal.n)
        return remove_entry(claim, err);
    journal_attempt(&claim->journal, now,
                    now + schedule_interval(claim->journal.attempts + 1, relay->random()));
    bool expired = relay_is_expired(relay, claim->entry.id);
    if (expired && held_by_account_alone(claim)) {
        bouncing_notify_admin(settlement, claim, attempt->failed ? attempt->failure.text : "");
        return keep(claim, "not relayed within its lifetime: the account was in trouble", err);
    }
    if (expired)
        give_up_waiting(claim);
    if (!claim_save(claim, err)) {
        claim_release(claim);
        return SETTLE_TROUBLE;
    }
    if (journal_unbounced(&claim->journal) > 0)
        return settle_failed(settlement, claim, err);
    if (journal_count(&claim->journal, FATE_WAITING) == 0)
        return remove_entry(claim, err);
    return put_off(claim, err);
}
