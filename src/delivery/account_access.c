#include "config.h"
#include "delivery/account_access.h"

#include "queue/account_state.h"
#include "queue/slots.h"
#include "delivery/circumstances.h"

struct change {
    struct account_access *access;
    const struct error *failure;
    int64_t began;
    const char *id;
    int64_t last;
    struct str reason;
    enum delivery_urgency urgency;
    unsigned others;
    bool allowed;
    enum account_access_blame blame;
};

static void alter(const struct account_access *access,
                  bool (*how)(struct account_state *state, void *context), struct change *change)
{
    struct error ignored;
    if (change->failure)
        error_explain(change->failure, &change->reason);
    (void)account_state_change(access->delivery->spool, access->account->name, how, change,
                               &ignored);
    str_clear(&change->reason);
}

enum { LOGIN_PAUSE = 60 }; /* seconds */

static bool may_ignore(const struct breaker *breaker, enum delivery_urgency urgency, int64_t now)
{
    bool login = breaker->cause == CAUSE_LOGIN;
    switch (urgency) {
    case DELIVERY_DUE:
        break;
    case DELIVERY_ASKED:
        return !login;
    case DELIVERY_BY_USER:
        return !login || now - breaker->last >= LOGIN_PAUSE;
    case DELIVERY_BY_PERSON:
        return true;
    }
    return false;
}

static bool take_probe(struct account_state *state, void *context)
{
    struct change *c = context;
    const struct account_access *access = c->access;
    bool open = state->breaker.failures > 0;
    c->allowed = breaker_allows(&state->breaker, access->began, access->depends) ||
                 may_ignore(&state->breaker, c->urgency, access->began);
    if (c->allowed)
        breaker_probe(&state->breaker, access->began, access->depends);
    return c->allowed && open;
}

void account_access_use(struct account_access *access, const struct delivery_context *delivery,
                        const struct account *account)
{
    if (access->account)
        slots_give(access->slot);
    *access = (struct account_access){.delivery = delivery, .account = account, .slot = -1};
    access->has_rate = account && rate_read(&access->rate, &account->rate);
}

/* True if it has a slot, or there is no limit: no slot file. */
static bool take_slot(struct account_access *access, const struct account_state *state)
{
    const struct account *account = access->account;
    unsigned most = account_state_connections(state, (unsigned)account->max_connections,
                                              access->delivery->now());
    struct error ignored;
    return access->slot >= 0 ||
           !slots_take(access->delivery->spool, account->name, most, &access->slot, &ignored) ||
           access->slot >= 0;
}

/* A moment further away than a day means that the clock was set. */
static bool is_rate_reached(const struct account_state *state, int64_t now)
{
    return state->rate_until > now && state->rate_until - now <= 26 * 3600;
}

static bool count_message(struct account_state *state, void *context)
{
    struct change *c = context;
    c->allowed =
        account_state_count_message(state, c->access->rate.most, c->access->delivery->now());
    return true;
}

bool account_access_count(struct account_access *access)
{
    struct change c = {.access = access, .allowed = true};
    if (access->has_rate)
        alter(access, count_message, &c);
    return c.allowed;
}

enum account_access_answer account_access_begin(struct account_access *access,
                                                enum delivery_urgency urgency)
{
    const struct delivery_context *delivery = access->delivery;
    struct account_state state = {0};
    struct change c = {.access = access, .urgency = urgency, .allowed = true};
    struct error ignored; /* a breaker that can't be read is closed */
    (void)account_state_read(&state, delivery->spool, access->account->name, &ignored);
    if (access->has_rate && is_rate_reached(&state, delivery->now()))
        return ACCESS_CLOSED;
    if (!take_slot(access, &state))
        return ACCESS_BUSY;
    access->began = delivery->now();
    access->depends = circumstances_of(delivery->site, access->account);
    access->bdat_refused = access->bdat_refused || state.bdat_refused;
    access->suspect = state.breaker.failures > 0 || *state.suspect;
    if (state.breaker.failures > 0)
        alter(access, take_probe, &c);
    return c.allowed ? ACCESS_GRANTED : ACCESS_CLOSED;
}

static struct breaker_failure failure_of(const struct change *c, bool after_login)
{
    return (struct breaker_failure){.cause = c->failure->cause,
                                    .after_login = after_login,
                                    .reason = str_text(&c->reason),
                                    .began = c->began,
                                    .ended = c->access->delivery->now(),
                                    .depends = c->access->depends};
}

static bool open_breaker(struct account_state *state, void *context)
{
    const struct change *c = context;
    const struct breaker_failure failure = failure_of(c, false);
    breaker_open(&state->breaker, &failure, c->access->delivery->random());
    return true;
}

void account_access_failed(struct account_access *access, const struct error *failure)
{
    struct change c = {.access = access, .failure = failure, .began = access->began};
    alter(access, open_breaker, &c);
}

static bool log_in(struct account_state *state, void *context)
{
    (void)context;
    if (state->breaker.failures == 0 || state->breaker.after_login)
        return false;
    breaker_close(&state->breaker);
    return true;
}

static bool remember_bdat(struct account_state *state, void *context)
{
    (void)context;
    bool news = !state->bdat_refused;
    state->bdat_refused = true;
    return news;
}

void account_access_learn(struct account_access *access, const struct connection *connection,
                          struct connection_options *options)
{
    struct change c = {.access = access};
    options->avoid_chunking = options->avoid_chunking || connection_chunking_hurt(connection);
    if (!connection_bdat_refused(connection) || access->bdat_refused)
        return;
    access->bdat_refused = true;
    alter(access, remember_bdat, &c);
}

void account_access_ready(struct account_access *access)
{
    struct change c = {.access = access};
    if (access->suspect)
        alter(access, log_in, &c);
}

static bool half_open(struct account_state *state, void *context)
{
    const int64_t *now = context;
    if (state->breaker.failures == 0)
        return false;
    breaker_half_open(&state->breaker, *now);
    return true;
}

void account_access_verified(const struct spool *spool, const struct account *account, int64_t now)
{
    struct error ignored;
    (void)account_state_change(spool, account->name, half_open, &now, &ignored);
}

static bool refuse_connection(struct account_state *state, void *context)
{
    const struct change *c = context;
    account_state_refuse_connection(state, c->others, c->access->delivery->now());
    return true;
}

bool account_access_is_one_too_many(struct account_access *access, const struct error *failure,
                                    bool additional)
{
    const struct account *account = access->account;
    struct change c = {.access = access};
    bool limited = (failure->cause == CAUSE_THROTTLE && failure->reply_code / 100 == 4) ||
                   (additional && failure->cause == CAUSE_NETWORK);
    if (limited)
        c.others = slots_of_others(access->delivery->spool, account->name,
                                   (unsigned)account->max_connections, access->slot);
    if (c.others > 0)
        alter(access, refuse_connection, &c);
    return c.others > 0;
}

static bool suspect(struct account_state *state, void *context)
{
    struct change *c = context;
    const struct breaker_failure failure = failure_of(c, true);
    if (account_state_suspect(state, c->id, c->last, &failure, c->access->delivery->random()))
        c->blame = BLAME_ENTRY;
    else
        c->blame = state->breaker.failures > 0 ? BLAME_ACCOUNT : BLAME_NOBODY;
    return c->blame != BLAME_ENTRY;
}

/* When the entry last met a failure of the account; 0: its last attempt met none. */
static int64_t last_met(const struct journal *journal)
{
    for (size_t i = 0; i < journal->n; i++)
        if (journal->rcpt[i].why && journal->rcpt[i].why->scope == ERROR_ACCOUNT)
            return journal->last;
    return 0;
}

enum account_access_blame account_access_met(struct account_access *access,
                                             const struct entry_lock *lock,
                                             const struct error *failure, int64_t began)
{
    struct change c = {.access = access,
                       .failure = failure,
                       .began = began,
                       .id = lock->entry.id,
                       .last = last_met(&lock->journal),
                       .blame = BLAME_ACCOUNT}; /* where it cannot be noted */
    alter(access, suspect, &c);
    access->suspect = true;
    return c.blame;
}

static bool clear(struct account_state *state, void *context)
{
    const struct change *c = context;
    return account_state_clear(state, c->access->delivery->now());
}

void account_access_passed(struct account_access *access)
{
    struct change c = {.access = access};
    if (access->suspect)
        alter(access, clear, &c);
    access->suspect = false;
}
