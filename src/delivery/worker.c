#include "config.h"
#include "delivery/worker.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/memory.h"
#include "delivery/notice.h"
#include "delivery/settle.h"
#include "delivery/verdict.h"

/* An entry in hand: in flight, or about to be sent. */
struct held {
    struct entry_lock lock;
    struct attempt attempt; /* while in flight */
    int64_t began;
    bool first; /* the job's */
    bool alone; /* not with others in flight */
    bool again; /* was in flight on a connection that ended */
    bool account_fails;
};

struct worker {
    const struct worker_job *job;
    struct identity identity;          /* empty until the first entry, or if nothing serves it */
    const struct account *account;     /* that identity's */
    struct connection_options options; /* of the delivery, and what was learnt here */
    struct connection *connection;
    struct account_access access;
    size_t sent_here;   /* messages over this connection */
    int slot;           /* descriptor, -1 if none */
    bool stop;          /* the account fails, or is busy: nothing is sent any more */
    bool leave;         /* the same for this worker alone: others go on */
    bool first_is_over; /* the job's first entry is done */
    bool was_ready;     /* there was a connection */
    bool said_ready;    /* a message went through, and the job knows */
    bool spool_failed;
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
static void drop_first(struct worker *w)
{
    *in_hand(w, 0) = (struct held){0};
    w->at = (w->at + 1) % WORKER_HELD_MAX;
    w->held--;
}

static bool is_over(const struct worker *w)
{
    return w->stop || w->leave || (w->job->stopped && atomic_load(w->job->stopped));
}

static void stop(struct worker *w)
{
    w->stop = true;
    if (w->job->stopped)
        atomic_store(w->job->stopped, true);
}

/* What cannot be noted would be sent again. */
static void end_run(struct worker *w)
{
    w->spool_failed = true;
    stop(w);
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

static void settle(struct worker *w, struct held *held, struct attempt *attempt)
{
    const struct delivery_context *delivery = w->job->delivery;
    struct error err;
    struct held heard = {.first = held->first};
    memcpy(heard.lock.entry.id, held->lock.entry.id, sizeof heard.lock.entry.id);
    const struct settlement settlement = {
        .delivery = delivery,
        .account = w->account,
        .provider = w->connection ? connection_host(w->connection) : "",
        .account_fails = held->account_fails,
        .is_awaited = held->first || (delivery->is_awaited &&
                                      delivery->is_awaited(delivery->context, heard.lock.entry.id)),
    };
    if (delivery->log && attempt->n > 0)
        delivery->log(delivery->context, w->account, settlement.provider, &held->lock, attempt);
    if (settle_attempt(&settlement, &held->lock, attempt, &err) == SETTLE_FAILED) {
        end_run(w);
        if (delivery->report_failure)
            delivery->report_failure(delivery->context, &err);
    } else {
        w->handled++;
    }
    if (settlement.is_awaited)
        report(w, &heard, attempt);
    delivery_attempt_clear(attempt);
    if (!spool_sync_when_due(delivery->spool, clock_now(), &err))
        end_run(w);
}

static void fail_entry(struct worker *w, struct held *held, const struct error *failure)
{
    struct attempt attempt = {0};
    delivery_not_attempted(&held->lock, failure, &attempt);
    settle(w, held, &attempt);
}

static void drop_connection(struct worker *w)
{
    if (w->connection)
        account_access_learn(&w->access, w->connection, &w->options);
    connection_close(
        w->connection); /* forgets what is in flight, before what it points to is freed */
    w->connection = NULL;
    for (size_t i = 0; i < w->in_flight; i++) {
        delivery_attempt_clear(&in_hand(w, i)->attempt);
        in_hand(w, i)->again = true;
    }
    w->in_flight = 0;
}

/* Ends the lock of an entry that this run does not try: what begin() planned is undone, unless the
 * entry was in flight, as the provider may have taken it. */
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

/* Nothing is sent any more: what waits for an account that fails still gets older, and what has
 * outlived its lifetime expires. */
static void put_back(struct worker *w)
{
    struct held *held = in_hand(w, 0);
    struct error err;
    if (w->stop && !w->spool_failed && delivery_is_expired(w->job->delivery, held->lock.entry.id)) {
        (void)error_set(&err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL,
                        "the account fails: nothing is tried for now");
        held->account_fails = true;
        fail_entry(w, held, &err);
    } else {
        pass_over(w, held);
    }
    drop_first(w);
}

/* See queue/spool.h: false, and the lock ended, if nothing may be sent. What one entry finds no
 * room for another may not need, and what leaves makes room. */
static bool begin(struct worker *w, struct held *held)
{
    const struct delivery_context *delivery = w->job->delivery;
    struct error err;
    held->began = delivery->now();
    enum entry_lock_begun begun = entry_lock_begin(&held->lock, held->began, &err);
    if (begun == ENTRY_LOCK_BEGUN)
        return true;
    if (delivery->report_failure && !w->no_room)
        delivery->report_failure(delivery->context, &err);
    if (begun == ENTRY_LOCK_NO_ROOM)
        w->no_room = true;
    else
        end_run(w);
    pass_over(w, held);
    drop_first(w);
    return false;
}

/* The account is asked before the first packet, not before the first entry, so that a run for one
 * that fails costs nothing. */
static bool may_connect(struct worker *w)
{
    enum delivery_urgency urgency = w->was_ready ? DELIVERY_DUE : w->job->urgency;
    enum account_access_answer answer = account_access_begin(&w->access, urgency);
    if (answer == ACCESS_BUSY)
        w->leave = true;
    if (answer == ACCESS_CLOSED)
        stop(w);
    return answer == ACCESS_GRANTED;
}

/* A connection that is ready for mail. False: the account fails, ERR says how, or others have all
 * connections there may be, and this worker leaves. */
static bool connect_account(struct worker *w, struct error *err)
{
    w->sent_here = 0;
    w->options.avoid_chunking = w->options.avoid_chunking || w->access.bdat_refused;
    w->connection = connection_open(w->account, &w->options, err);
    if (w->connection) {
        account_access_ready(&w->access);
        w->was_ready = true;
        return true;
    }
    if (account_access_is_one_too_many(&w->access, err, w->job->additional)) {
        w->leave = true;
        return false;
    }
    account_access_failed(&w->access, err);
    return false;
}

/* True if the first in hand can be sent now; else it is not in hand any more, or nothing is sent.
 */
static bool connect_for(struct worker *w, struct held *held)
{
    struct error err;
    if (w->connection &&
        (!connection_usable(w->connection) || w->sent_here >= w->job->per_connection))
        drop_connection(w);
    if (!w->connection && w->job->first && w->was_ready)
        w->leave = true; /* no caller waits for a second connection */
    if (w->leave || (!w->connection && !may_connect(w)) || !begin(w, held))
        return false;
    if (w->connection || connect_account(w, &err))
        return true;
    if (w->leave)
        return false;
    notice_login_fails(w->job->delivery, w->account, &held->lock);
    held->account_fails = true;
    fail_entry(w, held, &err);
    drop_first(w);
    stop(w);
    return false;
}

static bool is_end_of_session(const struct worker *w, const struct held *held)
{
    return !held->again && w->sent_here > 1 && !w->job->first &&
           delivery_attempt_is_end_of_session(&held->attempt);
}

/* What follows from an attempt for the account, then for the entry. */
static void conclude(struct worker *w, struct held *held)
{
    struct attempt *attempt = &held->attempt;
    struct error why;
    bool works = false;
    account_access_learn(&w->access, w->connection, &w->options);
    if (!delivery_attempt_troubled(attempt, &why)) {
        account_access_passed(&w->access);
        works = true;
    } else if (account_access_is_one_too_many(&w->access, &why, false)) {
        w->leave = held->account_fails = true;
    } else {
        enum account_access_blame blame =
            account_access_met(&w->access, &held->lock, &why, held->began);
        if (blame == BLAME_ENTRY)
            delivery_attempt_blame(attempt, w->account);
        held->account_fails = blame == BLAME_ACCOUNT;
        if (held->account_fails)
            stop(w);
    }
    settle(w, held, attempt);
    drop_first(w);
    if (!works || w->said_ready || w->spool_failed)
        return;
    w->said_ready = true;
    if (w->job->ready)
        w->job->ready(w->job->context);
}

/* Finds what ENTRY is sent as, which the owner of the identity NEXT clears. */
static bool find_identity(const struct worker *w, const struct held *held, struct identity *next,
                          struct error *err)
{
    if (!held->first)
        return delivery_identity(w->job->delivery, &held->lock.entry, next, err);
    *next = *w->job->identity;
    next->own = NULL; /* borrowed */
    return true;
}

/* Entries of an account that is gone may be served by several others. */
static bool use_account(struct worker *w, const struct held *held, struct error *err)
{
    struct identity next;
    bool found = find_identity(w, held, &next, err);
    if (found && w->account && identity_equal(&next, &w->identity)) {
        identity_clear(&next);
        return true;
    }
    drop_connection(w);
    identity_clear(&w->identity);
    w->identity = next;
    w->account = next.account;
    account_access_use(&w->access, w->job->delivery, w->account);
    return found;
}

/* True if it is sent as those in flight are. */
static bool is_of_account(const struct worker *w, const struct held *held)
{
    struct error ignored; /* found again by send_first() */
    struct identity identity;
    bool same =
        find_identity(w, held, &identity, &ignored) && identity_equal(&identity, &w->identity);
    identity_clear(&identity);
    return same;
}

static bool is_allowed(struct worker *w)
{
    if (!account_access_count(&w->access))
        stop(w);
    return !w->stop;
}

/* The first in hand, the ordinary way: nothing is in flight. */
static void send_first(struct worker *w)
{
    const struct delivery_context *delivery = w->job->delivery;
    struct held *held = in_hand(w, 0);
    struct error err;
    if (is_over(w)) {
        put_back(w);
        return;
    }
    if (!use_account(w, held, &err)) {
        fail_entry(w, held, &err);
        drop_first(w);
        return;
    }
    if (journal_count(&held->lock.journal, JOURNAL_WAITING) == 0) {
        struct attempt none = {0}; /* all are settled: the process that settled them was killed */
        settle(w, held, &none);
        drop_first(w);
        return;
    }
    if (!connect_for(w, held))
        return;
    if (!is_allowed(w))
        return;
    delivery_attempt(delivery, w->connection, w->account, &held->lock, &held->attempt);
    w->sent_here++;
    if (is_end_of_session(w, held)) {
        delivery_attempt_clear(&held->attempt);
        held->again = true;
        drop_connection(w);
        return;
    }
    conclude(w, held);
}

/* Puts HELD in flight, if it can join those that are. */
static bool launch(struct worker *w, struct held *held)
{
    if (is_over(w) || !w->connection || held->alone || held->first ||
        w->sent_here >= w->job->per_connection ||
        delivery_room(w->connection, &held->lock) != SESSION_ROOM || !is_of_account(w, held))
        return false;
    if (!is_allowed(w))
        return false;
    struct error ignored; /* found again by send_first() */
    held->began = w->job->delivery->now();
    held->alone = journal_count(&held->lock.journal, JOURNAL_WAITING) == 0 ||
                  entry_lock_begin(&held->lock, held->began, &ignored) != ENTRY_LOCK_BEGUN ||
                  !delivery_push(w->connection, &held->lock, &held->attempt);
    if (held->alone)
        return false;
    w->in_flight++;
    w->sent_here++;
    return true;
}

/* Learns what became of the first in hand, or that nothing will be known of those in flight. */
static void settle_oldest(struct worker *w)
{
    struct held *held = in_hand(w, 0);
    if (!delivery_pull(w->connection, &held->attempt) || is_end_of_session(w, held)) {
        drop_connection(w);
        return;
    }
    w->in_flight--;
    conclude(w, held);
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
    *in_hand(w, w->held++) = (struct held){.first = true, .lock = *w->job->first};
    *w->job->first = (struct entry_lock){0};
    return w->first_is_over = true;
}

/* Locks the next entry that is there to be sent. False: there is none. */
static bool take_next(struct worker *w)
{
    const struct delivery_context *delivery = w->job->delivery;
    const char *id;
    if (w->job->first && !w->first_is_over)
        return take_first(w);
    while (may_take(w) && (id = w->job->next(w->job->context)) != NULL) {
        struct held *held = in_hand(w, w->held);
        struct error err;
        if (is_over(w) && !delivery_is_expired(delivery, id)) {
            if (delivery->report_result)
                delivery->report_result(delivery->context, id, NULL);
            continue;
        }
        enum spool_found result =
            entry_lock_take(&held->lock, delivery->spool, SPOOL_QUEUE, id, &err);
        if (result == SPOOL_FOUND) {
            w->held++;
            return true;
        }
        if (result == SPOOL_DAMAGED)
            w->handled++;
        if (delivery->report_failure && result != SPOOL_BUSY && result != SPOOL_GONE)
            delivery->report_failure(delivery->context, &err);
    }
    w->no_more = true;
    return false;
}

/* The first in hand that is not in flight, locked now if need be; NULL: there is none. */
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
    if (is_over(w) && w->in_flight > 0) {
        settle_oldest(w);
        return true;
    }
    struct held *held = upcoming(w);
    if (held && launch(w, held))
        return true;
    if (w->in_flight > 0)
        settle_oldest(w);
    else if (held)
        send_first(w);
    return held || w->held > 0;
}

/* False: there is no room for one more connection. */
static bool join(struct worker *w)
{
    const struct held none = {
        .lock.entry = {.account = (char *)w->job->account_name, .from = (char *)""}};
    struct error err;
    return use_account(w, &none, &err) && may_connect(w) && connect_account(w, &err);
}

int worker_run(const struct worker_job *job, size_t *handled)
{
    struct worker *w = memory_new(sizeof *w);
    w->job = job;
    w->options = *job->delivery->options;
    w->options.streaming = !job->first;
    struct error err;
    if (!job->additional || join(w))
        while (step(w))
            ;
    connection_close(w->connection);
    account_access_use(&w->access, job->delivery, NULL);
    identity_clear(&w->identity);
    if (!spool_sync(job->delivery->spool, &err))
        w->spool_failed = true;
    *handled = w->handled;
    int code = w->spool_failed || w->no_room ? EX_IOERR : EX_OK;
    free(w);
    return code;
}
