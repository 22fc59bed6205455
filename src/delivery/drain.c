#include "config.h"
#include "delivery/drain.h"

#include <string.h>
#include <sysexits.h>

#include "base/clock.h"
#include "queue/slots.h"
#include "delivery/settle.h"

struct worker {
    const struct drain *drain;
    const struct account *account;     /* NULL until the first entry, or if nothing serves it */
    struct connection_options options; /* of the relay, and what was learnt here */
    struct connection *connection;
    size_t sent_here; /* messages over this connection */
    int slot;         /* descriptor, -1 if none */
    bool stop;        /* the account is in trouble, or busy */
    bool spool_trouble;
    size_t handled;
};

/* The breaker and a free slot are asked before the first packet, not before the first entry, so
 * that a run for an account in trouble costs nothing. */
static bool may_connect(struct worker *w)
{
    const struct relay *relay = w->drain->relay;
    struct error ignored; /* no slot file, no limit */
    if (w->slot < 0 &&
        slots_take(relay->spool, w->account->name, (unsigned)w->account->max_connections, &w->slot,
                   &ignored) &&
        w->slot < 0)
        return false;
    return w->drain->ignore_breaker || relay_may_try(relay, w->account);
}

static void settle(struct worker *w, struct claim *claim, struct attempt *attempt)
{
    const struct relay *relay = w->drain->relay;
    struct error err;
    char id[ENTRYID_SIZE];
    memcpy(id, claim->entry.id, sizeof id);
    const struct settlement settlement = {
        .relay = relay,
        .account = w->account,
        .provider = w->connection ? connection_host(w->connection) : "",
        .caller_hears = relay->listens && relay->listens(relay->context, id),
    };
    if (relay->log)
        relay->log(relay->context, w->account, claim, attempt->outcomes,
                   attempt->failed ? &attempt->failure : NULL, str_text(&attempt->reply));
    if (settle_attempt(&settlement, claim, attempt, &err) == SETTLE_TROUBLE) {
        w->spool_trouble = w->stop = true;
        if (relay->trouble)
            relay->trouble(relay->context, &err);
    } else {
        w->handled++;
    }
    if (settlement.caller_hears)
        relay->hears(relay->context, id, attempt);
    relay_attempt_clear(attempt);
    if (!spool_sync_when_due(relay->spool, clock_now(), &err))
        w->spool_trouble = w->stop = true;
}

static void fail_entry(struct worker *w, struct claim *claim, const struct error *failure)
{
    struct attempt attempt = {0};
    relay_not_attempted(claim, failure, &attempt);
    settle(w, claim, &attempt);
}

static void drop_connection(struct worker *w)
{
    if (w->connection && connection_chunking_hurt(w->connection))
        w->options.avoid_chunking = true;
    connection_close(w->connection);
    w->connection = NULL;
}

static bool connect_for(struct worker *w, struct claim *claim)
{
    const struct relay *relay = w->drain->relay;
    struct error err;
    if (w->connection &&
        (!connection_usable(w->connection) || w->sent_here >= w->drain->per_connection)) {
        drop_connection(w);
    }
    if (w->connection)
        return true;
    if (!may_connect(w)) {
        w->stop = true;
        claim_release(claim);
        return false;
    }
    w->sent_here = 0;
    w->connection = connection_open(w->account, &w->options, &err);
    if (w->connection) {
        relay_note_success(relay, w->account);
        return true;
    }
    relay_note_trouble(relay, w->account, &err);
    fail_entry(w, claim, &err);
    w->stop = true;
    return false;
}

static void deliver(struct worker *w, struct claim *claim)
{
    const struct relay *relay = w->drain->relay;
    struct attempt attempt = {0};
    relay_attempt(relay, w->connection, w->account, claim, &attempt);
    w->sent_here++;
    if (attempt.failed && attempt.failure.scope == ERROR_ACCOUNT) {
        relay_note_trouble(relay, w->account, &attempt.failure);
        w->stop = true;
    }
    settle(w, claim, &attempt);
}

/* Entries of an account that is gone may be served by several others. */
static bool use_account(struct worker *w, const struct account *account)
{
    if (account != w->account) {
        drop_connection(w);
        slots_give(w->slot);
        w->slot = -1;
    }
    w->account = account;
    return account != NULL;
}

static void work_on(struct worker *w, const char *id)
{
    const struct relay *relay = w->drain->relay;
    struct claim claim = {0};
    struct error err;
    enum claim_result result = claim_take(&claim, relay->spool, SPOOL_QUEUE, id, &err);
    if (result == CLAIM_DAMAGED)
        w->handled++;
    if (result != CLAIM_TAKEN) {
        if (relay->trouble && result != CLAIM_BUSY && result != CLAIM_GONE)
            relay->trouble(relay->context, &err);
        return;
    }
    if (!use_account(w, relay_account(relay, &claim.entry, &err))) {
        fail_entry(w, &claim, &err);
        return;
    }
    if (connect_for(w, &claim))
        deliver(w, &claim);
}

/* What waits for an account in trouble still gets older: what has outlived its lifetime goes. */
static void expire(struct worker *w, const char *id)
{
    const struct relay *relay = w->drain->relay;
    struct claim claim = {0};
    struct error err;
    if (!relay_is_expired(relay, id) ||
        claim_take(&claim, relay->spool, SPOOL_QUEUE, id, &err) != CLAIM_TAKEN)
        return;
    (void)error_set(&err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL,
                    "the account is in trouble: nothing is tried for now");
    fail_entry(w, &claim, &err);
}

int drain_run(const struct drain *drain, size_t *handled)
{
    struct worker w = {.drain = drain, .options = *drain->relay->options, .slot = -1};
    struct error err;
    const char *id;
    while (!w.spool_trouble && (id = drain->next(drain->context)) != NULL) {
        if (w.stop)
            expire(&w, id);
        else
            work_on(&w, id);
        if (w.stop && drain->relay->hears)
            drain->relay->hears(drain->relay->context, id, NULL);
    }
    connection_close(w.connection);
    slots_give(w.slot);
    if (!spool_sync(drain->relay->spool, &err))
        w.spool_trouble = true;
    *handled = w.handled;
    return w.spool_trouble ? EX_IOERR : EX_OK;
}
