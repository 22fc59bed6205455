#include "config.h"
#include "delivery/worker.h"

#include <stdlib.h>
#include <sysexits.h>

#include "base/memory.h"
#include "delivery/hand.h"
#include "delivery/notice.h"
#include "delivery/verdict.h"

static void drop_connection(struct worker *w)
{
    if (w->connection)
        account_access_learn(&w->access, w->connection, &w->options);
    connection_close(
        w->connection); /* forgets what is in flight, before what it points to is freed */
    w->connection = NULL;
    for (size_t i = 0; i < w->in_flight; i++) {
        delivery_attempt_clear(&hand_at(w, i)->attempt);
        hand_at(w, i)->again = true;
    }
    w->in_flight = 0;
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
        hand_stop(w);
    return answer == ACCESS_GRANTED;
}

/* A connection that is ready for mail. False: the account fails, ERR says how, or others have all
 * connections there may be, and this worker leaves. */
static bool connect_account(struct worker *w, struct error *err)
{
    w->sent_here = 0;
    w->options.avoid_chunking = w->options.avoid_chunking || w->access.bdat_refused;
    w->options.streaming = !w->job->first && !w->access.streaming_refused;
    w->connection = connection_open(w->account, &w->options, err);
    if (w->connection) {
        account_access_ready(&w->access, !w->job->first);
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
        (!delivery_takes(w->connection, &held->lock) || w->sent_here >= w->job->per_connection))
        drop_connection(w);
    if (!w->connection && w->job->first && w->was_ready)
        w->leave = true; /* no caller waits for a second connection */
    if (w->leave || (!w->connection && !may_connect(w)) || !hand_begin(w))
        return false;
    if (w->connection || connect_account(w, &err))
        return true;
    if (w->leave)
        return false;
    notice_login_fails(w->job->delivery, w->account, &held->lock);
    held->account_fails = true;
    hand_fail(w, &err);
    hand_stop(w);
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
            hand_stop(w);
    }
    hand_settle(w, attempt);
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
        return delivery_identity(w->job->delivery, &held->lock.entry, w->job->account_name, next,
                                 err);
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
        hand_stop(w);
    return !w->stop;
}

/* The first in hand, the ordinary way: nothing is in flight. */
static void send_first(struct worker *w)
{
    const struct delivery_context *delivery = w->job->delivery;
    struct held *held = hand_at(w, 0);
    struct error err;
    if (hand_is_over(w)) {
        hand_put_back(w);
        return;
    }
    if (!use_account(w, held, &err)) {
        hand_fail(w, &err);
        return;
    }
    if (journal_count(&held->lock.journal, JOURNAL_WAITING) == 0) {
        struct attempt none = {0}; /* all are settled: the process that settled them was killed */
        hand_settle(w, &none);
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
    if (hand_is_over(w) || !w->connection || held->alone || held->first ||
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
    struct held *held = hand_at(w, 0);
    if (!delivery_pull(w->connection, &held->attempt) || is_end_of_session(w, held)) {
        drop_connection(w);
        return;
    }
    w->in_flight--;
    conclude(w, held);
}

/* The first in hand that is not in flight, locked now if need be; NULL: there is none. */
static struct held *upcoming(struct worker *w)
{
    if (w->in_flight < w->held)
        return hand_at(w, w->in_flight);
    if (w->no_more || w->held == WORKER_HELD_MAX || !hand_take_next(w))
        return NULL;
    return hand_at(w, w->in_flight);
}

/* Does one thing. False: nothing is left to do. */
static bool step(struct worker *w)
{
    if (hand_is_over(w) && w->in_flight > 0) {
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
    w->options.delivery = job->delivery;
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
