#include "config.h"
#include "delivery/hand.h"

#include <string.h>
#include <sysexits.h>

#include "base/clock.h"
#include "delivery/fallback.h"
#include "delivery/sent_copy.h"
#include "delivery/settle.h"

struct held *hand_at(struct worker *w, size_t i)
{
    return &w->hand[(w->at + i) % WORKER_HELD_MAX];
}

static void drop_first(struct worker *w)
{
    *hand_at(w, 0) = (struct held){0};
    w->at = (w->at + 1) % WORKER_HELD_MAX;
    w->held--;
}

bool hand_is_over(const struct worker *w)
{
    return w->stop || w->leave || (w->job->stopped && atomic_load(w->job->stopped));
}

void hand_stop(struct worker *w)
{
    w->stop = true;
    if (w->job->stopped)
        atomic_store(w->job->stopped, true);
}

/* What cannot be noted would be sent again. */
static void end_run(struct worker *w)
{
    w->spool_failed = true;
    hand_stop(w);
}

/* Reports to the caller that waits for the entry; HEARD is NULL if it was not tried. */
static void report(const struct worker *w, const struct held *held, const struct attempt *heard)
{
    const struct delivery_context *delivery = w->job->delivery;
    if (held->first && w->job->first_done)
        w->job->first_done(w->job->context, heard);
    else if (delivery->report_result)
        delivery->report_result(delivery->context, held->lock.entry.id, heard);
}

/* What the fallback of the entry's account met is not all that can be said of the entry. */
static void judge(const struct worker *w, const struct held *held, struct attempt *attempt,
                  struct str *declined)
{
    if (w->account &&
        fallback_is_carried(w->job->delivery->site, &held->lock.entry, w->account->name))
        fallback_judge(attempt, &held->lock, w->account, declined);
}

void hand_settle(struct worker *w, struct attempt *attempt)
{
    struct held *held = hand_at(w, 0);
    const struct delivery_context *delivery = w->job->delivery;
    struct error err;
    struct sent_copy copy = {0};
    struct str declined = {0};
    struct held heard = {.first = held->first};
    judge(w, held, attempt, &declined);
    memcpy(heard.lock.entry.id, held->lock.entry.id, sizeof heard.lock.entry.id);
    const struct settlement settlement = {
        .delivery = delivery,
        .account = w->account,
        .provider = w->connection ? connection_host(w->connection) : "",
        .undecided = held->again || delivery_attempt_is_undecided(attempt),
        .declined = str_text(&declined),
        .account_fails = held->account_fails,
        .access = &w->access,
        .is_awaited = held->first || (delivery->is_awaited &&
                                      delivery->is_awaited(delivery->context, heard.lock.entry.id)),
    };
    sent_copy_begin(&copy, w->account, &held->lock, attempt);
    if (delivery->log && attempt->n > 0)
        delivery->log(delivery->context, w->account, w->connection, &held->lock, attempt);
    if (settle_attempt(&settlement, &held->lock, attempt, &err) == SETTLE_FAILED) {
        end_run(w);
        delivery_report_failure(delivery, &err);
    } else {
        w->handled++;
    }
    str_clear(&declined);
    if (settlement.is_awaited)
        report(w, &heard, attempt);
    delivery_attempt_clear(attempt);
    if (!sent_copy_end(&copy, w->account, delivery->site->host.name, &err))
        delivery_report_failure(delivery, &err);
    if (!spool_sync_when_due(delivery->spool, clock_now(), &err))
        end_run(w);
    drop_first(w);
}

void hand_fail(struct worker *w, const struct error *failure)
{
    struct attempt attempt = {0};
    delivery_not_attempted(&hand_at(w, 0)->lock, failure, &attempt);
    hand_settle(w, &attempt);
}

/* Ends the lock of an entry that this run does not try: what hand_begin() planned is undone, unless
 * the entry was in flight, as the provider may have taken it. */
static void pass_over(struct worker *w, struct held *held)
{
    struct entry_lock *lock = &held->lock;
    struct error ignored; /* then it is tried when that was planned */
    report(w, held, NULL);
    if (lock->next != 0 && !held->again && !w->spool_failed)
        (void)entry_lock_postpone(
            lock, lock->journal.next ? lock->journal.next : w->job->delivery->now(), &ignored);
    entry_lock_release(lock);
}

void hand_put_back(struct worker *w)
{
    struct held *held = hand_at(w, 0);
    struct error err;
    if (w->stop && !w->spool_failed && delivery_is_expired(w->job->delivery, held->lock.entry.id)) {
        (void)error_set(&err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL,
                        "the account fails: nothing is tried for now");
        held->account_fails = true;
        hand_fail(w, &err);
    } else {
        pass_over(w, held);
        drop_first(w);
    }
}

bool hand_begin(struct worker *w)
{
    struct held *held = hand_at(w, 0);
    const struct delivery_context *delivery = w->job->delivery;
    struct error err;
    held->began = delivery->now();
    enum entry_lock_begun begun = entry_lock_begin(&held->lock, held->began, &err);
    if (begun == ENTRY_LOCK_BEGUN)
        return true;
    if (!w->no_room)
        delivery_report_failure(delivery, &err);
    if (begun == ENTRY_LOCK_NO_ROOM)
        w->no_room = true;
    else
        end_run(w);
    pass_over(w, held);
    drop_first(w);
    return false;
}

/* Where a caller waits, only what can go over the connection that its entry needed. */
static bool may_take(const struct worker *w)
{
    if (w->spool_failed || w->leave || w->no_more)
        return false;
    return !w->job->first || !w->first_is_over ||
           (!w->stop && w->connection && connection_usable(w->connection));
}

static bool take_first(struct worker *w)
{
    *hand_at(w, w->held++) = (struct held){.first = true, .lock = *w->job->first};
    *w->job->first = (struct entry_lock){0};
    return w->first_is_over = true;
}

/* True if what waits to be carried by a fallback may have been accepted by its own provider, or was
 * refused by the fallback's. Else it goes alone, as it leaves in another form. */
static bool stays_with_its_account(const struct worker *w, struct held *held)
{
    held->alone =
        fallback_is_carried(w->job->delivery->site, &held->lock.entry, w->job->account_name);
    return held->alone && (journal_is_tied(&held->lock.journal) || held->lock.interrupted);
}

bool hand_take_next(struct worker *w)
{
    const struct delivery_context *delivery = w->job->delivery;
    const char *id;
    if (w->job->first && !w->first_is_over)
        return take_first(w);
    while (may_take(w) && (id = w->job->next(w->job->context)) != NULL) {
        struct held *held = hand_at(w, w->held);
        struct error err;
        if (hand_is_over(w) && !delivery_is_expired(delivery, id)) {
            if (delivery->report_result)
                delivery->report_result(delivery->context, id, NULL);
            continue;
        }
        enum spool_found result =
            entry_lock_take(&held->lock, delivery->spool, SPOOL_QUEUE, id, &err);
        if (result == SPOOL_FOUND && stays_with_its_account(w, held)) {
            pass_over(w, held);
            continue;
        }
        if (result == SPOOL_FOUND) {
            w->held++;
            return true;
        }
        if (result == SPOOL_DAMAGED)
            w->handled++;
        if (result != SPOOL_BUSY && result != SPOOL_GONE)
            delivery_report_failure(delivery, &err);
    }
    w->no_more = true;
    return false;
}
