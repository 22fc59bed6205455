#include "config.h"
#include "delivery/worker.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/memory.h"
#include "queue/slots.h"
#include "delivery/settle.h"

/* A lock in hand: in flight, or about to be sent. */
struct held {
    struct entry_lock lock;
    struct attempt attempt; /* while in flight */
    bool alone;             /* not with others in flight */
    bool tried;             /* was in flight on a connection that ended */
};

struct worker {
    const struct worker_job *job;
    struct identity identity;      /* empty until the first entry, or if nothing serves it */
    const struct account *account; /* that identity's */
    struct connection_options options; /* of the relay, and what was learnt here */
    struct connection *connection;
    size_t sent_here;     /* messages over this connection */
    int slot;             /* descriptor, -1 if none */
    bool stop;            /* the account is in trouble, or busy */
    struct error trouble; /* what it is */
    bool spool_trouble;
    bool no_room; /* for the journal of some entry */
    bool no_more;
    size_t handled;
    struct held hand[WORKER_HELD_MAX]; /* a ring in order of arrival; the first are in flight */
    size_t at, held, in_flight;
};

static struct held *in_hand(struct worker *w, size_t i)
{
    return &w->hand[(w->at + i) % WORKER_HELD_MAX];
}

/* The first in hand is done with. */
static void let_go(struct worker *w)
{
    *in_hand(w, 0) = (struct held){0};
    w->at = (w->at + 1) % WORKER_HELD_MAX;
    w->held--;
}

/* The breaker and a free slot are asked before the first packet, not before the first entry, so
 * that a run for an account in trouble costs nothing. */
static bool may_connect(struct worker *w)
{
    const struct delivery_context *delivery = w->job->delivery;
    struct error ignored; /* no slot file, no limit */
    if (w->slot < 0 &&
        slots_take(delivery->spool, w->account->name, (unsigned)w->account->max_connections,
                   &w->slot, &ignored) &&
        w->slot < 0)
        return false;
    return w->job->ignore_breaker || delivery_may_try(delivery, w->account);
}

static void settle(struct worker *w, struct entry_lock *lock, struct attempt *attempt)
{
    const struct delivery_context *delivery = w->job->delivery;
    struct error err;
    char id[ENTRYID_SIZE];
    memcpy(id, lock->entry.id, sizeof id);
    const struct settlement settlement = {
        .delivery = delivery,
        .account = w->account,
        .provider = w->connection ? connection_host(w->connection) : "",
        .caller_hears = delivery->is_awaited && delivery->is_awaited(delivery->context, id),
    };
    if (delivery->log && attempt->n > 0)
        delivery->log(delivery->context, w->account, lock, attempt->outcomes,
                      attempt->failed ? &attempt->failure : NULL, str_text(&attempt->reply));
    if (settle_attempt(&settlement, lock, attempt, &err) == SETTLE_TROUBLE) {
        w->spool_trouble = w->stop = true;
        if (delivery->trouble)
            delivery->trouble(delivery->context, &err);
    } else {
        w->handled++;
    }
    if (settlement.caller_hears)
        delivery->report_result(delivery->context, id, attempt);
    delivery_attempt_clear(attempt);
    if (!spool_sync_when_due(delivery->spool, clock_now(), &err))
        w->spool_trouble = w->stop = true;
}

static void fail_entry(struct worker *w, struct entry_lock *lock, const struct error *failure)
{
    struct attempt attempt = {0};
    delivery_not_attempted(lock, failure, &attempt);
    settle(w, lock, &attempt);
}

static void drop_connection(struct worker *w)
{
    if (w->connection && connection_chunking_hurt(w->connection))
        w->options.avoid_chunking = true;
    connection_close(w->connection);
    w->connection = NULL;
}

/* Whoever waits for the entry learns that this run does not try it. */
static void pass_over(const struct worker *w, const char *id)
{
    const struct delivery_context *delivery = w->job->delivery;
    if (delivery->report_result)
        delivery->report_result(delivery->context, id, NULL);
}

/* Ends the lock of an entry that this run does not try. */
static void leave(struct worker *w, struct entry_lock *lock)
{
    pass_over(w, lock->entry.id);
    entry_lock_release(lock);
}

/* See queue/spool.h: false, and the lock ended, if nothing may be sent. What one entry finds no room
 * for another may not need, and what leaves makes room. */
static bool begin(struct worker *w, struct entry_lock *lock)
{
    const struct delivery_context *delivery = w->job->delivery;
    struct error err;
    enum entry_lock_begun begun = entry_lock_begin(lock, delivery->now(), &err);
    if (begun == ENTRY_LOCK_BEGUN)
        return true;
    if (delivery->trouble && !w->no_room)
        delivery->trouble(delivery->context, &err);
    if (begun == ENTRY_LOCK_NO_ROOM)
        w->no_room = true;
    else
        w->spool_trouble = w->stop = true;
    leave(w, lock);
    return false;
}

static bool connect_for(struct worker *w, struct entry_lock *lock)
{
    const struct delivery_context *delivery = w->job->delivery;
    struct error err;
    if (w->connection &&
        (!connection_usable(w->connection) || w->sent_here >= w->job->per_connection))
        drop_connection(w);
    if (!w->connection && !may_connect(w)) {
        w->stop = true;
        leave(w, lock);
        return false;
    }
    if (!begin(w, lock))
        return false;
    if (w->connection)
        return true;
    w->sent_here = 0;
    w->connection = connection_open(w->account, &w->options, &err);
    if (w->connection) {
        delivery_note_success(delivery, w->account);
        return true;
    }
    delivery_note_trouble(delivery, w->account, &err);
    fail_entry(w, lock, &err);
    w->stop = true;
    return false;
}

/* What follows from an attempt for the account, then for the entry. */
static void conclude(struct worker *w, struct held *held)
{
    struct error why;
    if (delivery_attempt_troubled(&held->attempt, &why)) {
        if (!w->stop) /* those in flight behind it tell the same */
            delivery_note_trouble(w->job->delivery, w->account, &why);
        w->trouble = why;
        w->stop = true;
    }
    settle(w, &held->lock, &held->attempt);
    let_go(w);
}

/* Entries of an account that is gone may be served by several others. */
static bool use_account(struct worker *w, const struct entry *entry, struct error *err)
{
    struct identity next;
    bool found = delivery_identity(w->job->delivery, entry, &next, err);
    if (found && w->account && identity_equal(&next, &w->identity)) {
        identity_clear(&next);
        return true;
    }
    drop_connection(w);
    slots_give(w->slot);
    w->slot = -1;
    identity_clear(&w->identity);
    w->identity = next;
    w->account = next.account;
    return found;
}

/* True if ENTRY is sent as those in flight are. */
static bool is_of_account(const struct worker *w, const struct entry *entry)
{
    struct error ignored; /* found again by send_first() */
    struct identity identity;
    bool same = delivery_identity(w->job->delivery, entry, &identity, &ignored) &&
                identity_equal(&identity, &w->identity);
    identity_clear(&identity);
    return same;
}

/* What waits for an account in trouble still gets older: what has outlived its lifetime goes. */
static void expire(struct worker *w, struct entry_lock *lock)
{
    struct error err;
    (void)error_set(&err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL,
                    "the account is in trouble: nothing is tried for now");
    fail_entry(w, lock, &err);
}

/* Nothing can be sent any more. */
static void put_back(struct worker *w, struct held *held)
{
    if (held->tried && w->trouble.text[0]) {
        fail_entry(w, &held->lock, &w->trouble);
    } else if (!w->spool_trouble &&
               delivery_is_expired(w->job->delivery, held->lock.entry.id)) {
        expire(w, &held->lock);
    } else {
        leave(w, &held->lock);
    }
    let_go(w);
}

/* The first in hand, the ordinary way: nothing is in flight. */
static void send_first(struct worker *w)
{
    const struct delivery_context *delivery = w->job->delivery;
    struct held *held = in_hand(w, 0);
    struct error err;
    if (w->stop) {
        put_back(w, held);
        return;
    }
    if (!use_account(w, &held->lock.entry, &err)) {
        fail_entry(w, &held->lock, &err);
        let_go(w);
        return;
    }
    if (journal_count(&held->lock.journal, FATE_WAITING) == 0) {
        struct attempt none = {0}; /* all are settled: the process that settled them was killed */
        settle(w, &held->lock, &none);
        let_go(w);
        return;
    }
    if (!connect_for(w, &held->lock)) {
        let_go(w);
        return;
    }
    delivery_attempt(delivery, w->connection, w->account, &held->lock, &held->attempt);
    w->sent_here++;
    conclude(w, held);
}

/* Puts HELD in flight, if it can join those that are. */
static bool launch(struct worker *w, struct held *held)
{
    const struct delivery_context *delivery = w->job->delivery;
    struct error ignored; /* found again by send_first() */
    if (w->stop || !w->connection || held->alone || w->sent_here >= w->job->per_connection ||
        delivery_room(w->connection, &held->lock) != SESSION_ROOM ||
        !is_of_account(w, &held->lock.entry))
        return false;
    held->alone =
        journal_count(&held->lock.journal, FATE_WAITING) == 0 ||
        entry_lock_begin(&held->lock, delivery->now(), &ignored) != ENTRY_LOCK_BEGUN ||
        !delivery_push(w->connection, &held->lock, &held->attempt);
    if (held->alone)
        return false;
    w->in_flight++;
    w->sent_here++;
    return true;
}

/* Learns what became of the first in hand, or that nothing will be known of those in flight. */
static void land(struct worker *w)
{
    struct held *held = in_hand(w, 0);
    if (delivery_pull(w->connection, &held->attempt)) {
        w->in_flight--;
        conclude(w, held);
        return;
    }
    drop_connection(w); /* which forgets them, before what it points to goes */
    for (size_t i = 0; i < w->in_flight; i++) {
        delivery_attempt_clear(&in_hand(w, i)->attempt);
        in_hand(w, i)->tried = true;
    }
    w->in_flight = 0;
}

/* Claims the next entry that is there to be sent. False: there is none. */
static bool take_next(struct worker *w)
{
    const struct delivery_context *delivery = w->job->delivery;
    const char *id;
    while (!w->spool_trouble && (id = w->job->next(w->job->context)) != NULL) {
        struct held *held = in_hand(w, w->held);
        struct error err;
        if (w->stop && !delivery_is_expired(delivery, id)) {
            pass_over(w, id);
            continue;
        }
        enum entry_lock_result result =
            entry_lock_take(&held->lock, delivery->spool, SPOOL_QUEUE, id, &err);
        if (result == ENTRY_LOCK_TAKEN) {
            w->held++;
            return true;
        }
        if (result == ENTRY_LOCK_DAMAGED)
            w->handled++;
        if (delivery->trouble && result != ENTRY_LOCK_BUSY && result != ENTRY_LOCK_GONE)
            delivery->trouble(delivery->context, &err);
    }
    w->no_more = true;
    return false;
}

/* The first in hand that is not in flight, claimed now if need be; NULL: there is none. */
static struct held *upcoming(struct worker *w)
{
    if (w->in_flight < w->held)
        return in_hand(w, w->in_flight);
    if (w->no_more || w->held == WORKER_HELD_MAX || !take_next(w))
        return NULL;
    return in_hand(w, w->in_flight);
}

/* Does one thing. False: nothing is left to do. */
static bool step(struct worker *w)
{
    if (w->stop && w->in_flight > 0) {
        land(w);
        return true;
    }
    struct held *held = upcoming(w);
    if (held && launch(w, held))
        return true;
    if (w->in_flight > 0)
        land(w);
    else if (held)
        send_first(w);
    return held || w->held > 0;
}

int worker_run(const struct worker_job *job, size_t *handled)
{
    struct worker *w = memory_new(sizeof *w);
    *w = (struct worker){.job = job, .options = *job->delivery->options, .slot = -1};
    w->options.streaming = true;
    struct error err;
    while (step(w))
        ;
    connection_close(w->connection);
    slots_give(w->slot);
    identity_clear(&w->identity);
    if (!spool_sync(job->delivery->spool, &err))
        w->spool_trouble = true;
    *handled = w->handled;
    int code = w->spool_trouble || w->no_room ? EX_IOERR : EX_OK;
    free(w);
    return code;
}
