#include "config.h"
#include "delivery/settle.h"

#include <string.h>
#include <sysexits.h>

#include "queue/account_state.h"
#include "queue/journal.h"
#include "queue/schedule.h"
#include "delivery/bounce_writer.h"
#include "delivery/notice.h"
#include "delivery/verdict.h"

enum { LEAST_INTERVAL = 60 }; /* seconds */

static void note_results(struct entry_lock *lock, const struct attempt *attempt)
{
    const struct error *whole = attempt->failed ? &attempt->failure : NULL;
    for (size_t i = 0; i < attempt->n; i++) {
        const struct outcome *o = &attempt->outcomes[i];
        const struct error *why = o->result == OUTCOME_REFUSED ? o->error : whole;
        bool sent = o->result == OUTCOME_SENT;
        journal_settle(&lock->journal, i,
                       sent                           ? JOURNAL_SENT
                       : why && verdict_is_final(why) ? JOURNAL_FAILED
                                                      : JOURNAL_WAITING,
                       sent ? NULL : why);
    }
}

/* Those who still wait when the lifetime is over have failed, for the reason they waited for. */
static void expire_waiting(struct entry_lock *lock)
{
    for (size_t i = 0; i < lock->journal.n; i++) {
        const struct progress *p = &lock->journal.rcpt[i];
        if (p->status != JOURNAL_WAITING)
            continue;
        struct error why;
        if (p->why)
            why = *p->why;
        else
            (void)error_set(&why, ERROR_RECIPIENT, ERROR_TEMPORARY, EX_TEMPFAIL,
                            "the provider did not take this recipient");
        (void)error_prefix(&why, "expired after the last of %u attempts", lock->journal.attempts);
        why.class = ERROR_PERMANENT;
        journal_settle(&lock->journal, i, JOURNAL_FAILED, &why);
    }
}

static bool held_by_account_alone(const struct entry_lock *lock)
{
    for (size_t i = 0; i < lock->journal.n; i++) {
        const struct progress *p = &lock->journal.rcpt[i];
        if (p->status == JOURNAL_FAILED ||
            (p->status == JOURNAL_WAITING && p->why && p->why->scope != ERROR_ACCOUNT))
            return false;
    }
    return true;
}

/* What held the entry: the account's failure that goes on, else what its recipients met. */
static void add_reason(const struct settlement *settlement, const struct entry_lock *lock,
                       const struct attempt *attempt, struct str *out)
{
    struct account_state state = {0};
    if (settlement->account)
        account_state_read(&state, settlement->delivery->spool, settlement->account->name);
    if (state.breaker.failures > 0)
        str_add(out, state.breaker.reason);
    for (size_t i = 0; out->len == 0 && i < lock->journal.n; i++)
        if (lock->journal.rcpt[i].why)
            error_explain(lock->journal.rcpt[i].why, out);
    if (out->len == 0 && attempt->failed)
        error_explain(&attempt->failure, out);
}

static enum settle_end keep(struct entry_lock *lock, const char *note, struct error *err)
{
    return entry_lock_move(lock, SPOOL_FAILED, note, err) ? SETTLE_KEPT : SETTLE_FAILED;
}

static enum settle_end remove_entry(struct entry_lock *lock, struct error *err)
{
    return entry_lock_remove(lock, err) ? SETTLE_DONE : SETTLE_FAILED;
}

static enum settle_end defer(const struct settlement *settlement, struct entry_lock *lock,
                             struct error *err)
{
    bool ok = bounce_writer_warn(settlement, lock, err);
    ok = (lock->next == lock->journal.next ||
          entry_lock_postpone(lock, lock->journal.next, ok ? err : &(struct error){0})) &&
         ok;
    entry_lock_release(lock);
    return ok ? SETTLE_WAITS : SETTLE_FAILED;
}

/* Recipients have failed: report it to the sender, if that is possible. */
static enum settle_end settle_failed(const struct settlement *settlement, struct entry_lock *lock,
                                     struct error *err)
{
    bool more = journal_count(&lock->journal, JOURNAL_WAITING) > 0;
    const char *note = "";
    struct error ignored; /* the first failure is reported */
    switch (bounce_writer_report(settlement, lock, err)) {
    case BOUNCE_WRITER_REPORTED:
    case BOUNCE_WRITER_NOT_WANTED:
        return more ? defer(settlement, lock, err) : remove_entry(lock, err);
    case BOUNCE_WRITER_NOT_NOW:
        note = "too many bounces in this hour";
        break;
    case BOUNCE_WRITER_IMPOSSIBLE:
        note = "undeliverable, and there is no address to report it to";
        break;
    case BOUNCE_WRITER_FAILED:
        (void)entry_lock_postpone(lock, lock->journal.next, &ignored);
        entry_lock_release(lock);
        return SETTLE_FAILED;
    }
    return more ? defer(settlement, lock, err) : keep(lock, note, err);
}

/* The next attempt is when it was planned for as this one began, unless this one took so long that
 * too little of the interval remains; and not after the moment when the delay is reported.
 */
static void note_attempt(const struct settlement *settlement, struct entry_lock *lock)
{
    const struct delivery_context *delivery = settlement->delivery;
    int64_t now = delivery->now();
    unsigned attempt = lock->journal.attempts + 1;
    int64_t next = lock->next;
    if (next < now + schedule_interval(attempt, 0))
        next = now + schedule_interval(attempt, delivery->random());
    int64_t warning = bounce_writer_warns_in(settlement, lock);
    if (warning > 0 && next > now + warning)
        next = now + (warning > LEAST_INTERVAL ? warning : LEAST_INTERVAL);
    journal_attempt(&lock->journal, now, settlement->account_fails ? now : next);
}

static enum settle_end settle_entry(const struct settlement *settlement, struct entry_lock *lock,
                                    const struct attempt *attempt, struct error *err)
{
    const struct delivery_context *delivery = settlement->delivery;
    note_results(lock, attempt);
    if (journal_count(&lock->journal, JOURNAL_WAITING) == 0 &&
        journal_unbounced(&lock->journal) == 0)
        return remove_entry(lock, err); /* nothing to journal: the removal says it all */

    size_t failed = journal_count(&lock->journal, JOURNAL_FAILED);
    if (settlement->is_awaited && failed == lock->journal.n)
        return remove_entry(lock, err);
    if (settlement->undecided)
        journal_undecided(&lock->journal);
    if (settlement->declined && *settlement->declined)
        journal_declined(&lock->journal, settlement->declined);
    note_attempt(settlement, lock);
    bool expired = delivery_is_expired(delivery, lock->entry.id);
    if (expired && held_by_account_alone(lock)) {
        struct str reason = {0};
        add_reason(settlement, lock, attempt, &reason);
        notice_expired(settlement, lock, str_text(&reason));
        str_clear(&reason);
        return keep(lock, "not relayed within its lifetime: the account failed", err);
    }
    if (expired)
        expire_waiting(lock);
    if (!entry_lock_save(lock, err)) {
        entry_lock_release(lock);
        return SETTLE_FAILED;
    }
    if (journal_unbounced(&lock->journal) > 0)
        return settle_failed(settlement, lock, err);
    if (journal_count(&lock->journal, JOURNAL_WAITING) == 0)
        return remove_entry(lock, err);
    return defer(settlement, lock, err);
}

/* Once for each message that is gone, and once for each attempt that leaves it waiting. */
static void count(const struct settlement *settlement, const char *id, uint64_t octets,
                  enum settle_end end, const struct attempt *attempt)
{
    bool all_sent = outcome_count(attempt->outcomes, attempt->n, OUTCOME_SENT) == attempt->n;
    enum counters_result result = end == SETTLE_WAITS              ? COUNTERS_DEFERRED
                                  : end == SETTLE_DONE && all_sent ? COUNTERS_SENT
                                                                   : COUNTERS_FAILED;
    account_access_count_result(settlement->access, result, id, octets);
}

enum settle_end settle_attempt(const struct settlement *settlement, struct entry_lock *lock,
                               const struct attempt *attempt, struct error *err)
{
    uint64_t octets = lock->content.size;
    char id[ENTRYID_SIZE];
    memcpy(id, lock->entry.id, sizeof id); /* the lock ends */
    enum settle_end end = settle_entry(settlement, lock, attempt, err);
    if (settlement->access && end != SETTLE_FAILED && attempt->n > 0)
        count(settlement, id, octets, end, attempt);
    return end;
}
