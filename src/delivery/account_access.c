#include "config.h"
#include "delivery/account_access.h"

#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "queue/account_state.h"
#include "queue/slots.h"
#include "delivery/circumstances.h"

static bool begin(struct account_file *file, const struct account_access *access)
{
    return account_file_begin(file, access->delivery->spool, access->account->name);
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

static bool may_try(const struct breaker *breaker, enum delivery_urgency urgency, int64_t now,
                    uint64_t depends)
{
    return breaker_allows(breaker, now, depends) || may_ignore(breaker, urgency, now);
}

bool account_access_may_try(const struct site *site, const struct account *account,
                            const struct breaker *breaker, enum delivery_urgency urgency,
                            int64_t now)
{
    return may_try(breaker, urgency, now, circumstances_of(site, account));
}

/* True if the open breaker lets this process try, whose probe it is then. */
static bool take_probe(const struct account_access *access, enum delivery_urgency urgency)
{
    struct account_file file;
    if (!begin(&file, access))
        return true; /* a breaker that can't be read is closed */
    struct breaker *breaker = &file.state.breaker;
    bool allowed = may_try(breaker, urgency, access->began, access->depends);
    if (allowed)
        breaker_probe(breaker, access->began, access->depends);
    account_file_end(&file, allowed && breaker->failures > 0);
    return allowed;
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
    const struct spool *spool = access->delivery->spool;
    struct error ignored;
    if (access->slot >= 0)
        return true;
    bool limited = slots_take(spool, account->name, 1, &access->slot, &ignored);
    access->behind = limited && access->slot < 0;
    if (access->behind)
        limited = slots_take(spool, account->name, most, &access->slot, &ignored);
    return !limited || access->slot >= 0;
}

/* True if no process has the first slot: the one that had it has noted what it met. */
static bool first_is_over(const struct account_access *access)
{
    struct error ignored;
    int fd = -1;
    bool over =
        !slots_take(access->delivery->spool, access->account->name, 1, &fd, &ignored) || fd >= 0;
    slots_give(fd);
    return over;
}

/* Waits until it is known whether the login works. */
static void wait_for_first(struct account_access *access, struct account_state *state)
{
    enum { STEP = 20 }; /* milliseconds */
    int64_t deadline = clock_after(ACCOUNT_ACCESS_WAIT);
    bool over = false;
    while (!over && access->unverified && state->breaker.failures == 0 &&
           clock_poll_timeout(deadline) > 0) {
        (void)poll(NULL, 0, STEP);
        over = first_is_over(access); /* in this order: what it noted is read then */
        account_state_read(state, access->delivery->spool, access->account->name);
        access->unverified = state->verified != access->depends;
    }
}

/* A moment further away than a day means that the clock was set. */
static bool is_rate_reached(const struct account_state *state, int64_t now)
{
    return state->rate_until > now && state->rate_until - now <= 26 * 3600;
}

bool account_access_count(struct account_access *access)
{
    struct account_file file;
    if (!access->has_rate || !begin(&file, access))
        return true;
    bool allowed =
        account_state_count_message(&file.state, access->rate.most, access->delivery->now());
    account_file_end(&file, true);
    return allowed;
}

enum account_access_answer account_access_begin(struct account_access *access,
                                                enum delivery_urgency urgency)
{
    const struct delivery_context *delivery = access->delivery;
    struct account_state state;
    account_state_read(&state, delivery->spool, access->account->name);
    if (access->has_rate && is_rate_reached(&state, delivery->now()))
        return ACCESS_CLOSED;
    if (!take_slot(access, &state))
        return ACCESS_BUSY;
    access->began = delivery->now();
    access->depends = circumstances_of(delivery->site, access->account);
    access->bdat_refused =
        access->bdat_refused || account_state_remembers(state.bdat_refused, access->began);
    access->streaming_refused = access->streaming_refused ||
                                account_state_remembers(state.streaming_refused, access->began);
    access->unverified = access->account->auth != AUTH_OFF && state.verified != access->depends;
    if (access->behind)
        wait_for_first(access, &state);
    access->suspect = state.breaker.failures > 0 || *state.suspect;
    return state.breaker.failures == 0 || take_probe(access, urgency) ? ACCESS_GRANTED
                                                                      : ACCESS_CLOSED;
}

/* FAILURE of an attempt begun at BEGAN. REASON holds its text. */
static struct breaker_failure failure_of(const struct account_access *access,
                                         const struct error *failure, int64_t began,
                                         struct str *reason)
{
    error_explain(failure, reason);
    return (struct breaker_failure){.cause = failure->cause,
                                    .wait = failure->wait,
                                    .reason = str_text(reason),
                                    .began = began,
                                    .ended = access->delivery->now(),
                                    .depends = access->depends};
}

void account_access_failed(struct account_access *access, const struct error *failure)
{
    struct account_file file;
    struct str reason = {0};
    if (!begin(&file, access))
        return;
    const struct breaker_failure met = failure_of(access, failure, access->began, &reason);
    breaker_open(&file.state.breaker, &met, access->delivery->random());
    if (failure->cause == CAUSE_LOGIN)
        file.state.verified = 0;
    account_file_end(&file, true);
    str_clear(&reason);
}

void account_access_learn(struct account_access *access, const struct connection *connection,
                          struct connection_options *options)
{
    struct account_file file;
    options->avoid_chunking = options->avoid_chunking || connection_chunking_hurt(connection);
    bool bdat = connection_bdat_refused(connection) && !access->bdat_refused;
    bool streaming = connection_streaming_refused(connection) && !access->streaming_refused;
    access->bdat_refused = access->bdat_refused || bdat;
    access->streaming_refused = access->streaming_refused || streaming;
    if ((!bdat && !streaming) || !begin(&file, access))
        return;
    if (bdat)
        file.state.bdat_refused = access->delivery->now();
    if (streaming)
        file.state.streaming_refused = access->delivery->now();
    account_file_end(&file, true);
}

void account_access_ready(struct account_access *access, bool is_run)
{
    struct account_file file;
    bool verifies = access->unverified && (access->behind || is_run);
    if ((!access->suspect && !verifies) || !begin(&file, access))
        return;
    bool mends = file.state.breaker.failures > 0 && !file.state.breaker.after_login;
    if (mends)
        breaker_close(&file.state.breaker);
    if (verifies)
        file.state.verified = access->depends;
    access->unverified = false;
    account_file_end(&file, mends || verifies);
}

void account_access_verified(const struct spool *spool, const struct account *account, int64_t now)
{
    struct account_file file;
    if (!account_file_begin(&file, spool, account->name))
        return;
    breaker_half_open(&file.state.breaker, now);
    file.state.suspect_depends = 0; /* other settings: the suspect entry is tried as well */
    account_file_end(&file, file.state.breaker.failures > 0 || *file.state.suspect);
}

bool account_access_is_one_too_many(struct account_access *access, const struct error *failure,
                                    bool additional)
{
    const struct account *account = access->account;
    struct account_file file;
    bool limited = (failure->cause == CAUSE_THROTTLE && failure->reply_code / 100 == 4) ||
                   (additional && failure->cause == CAUSE_NETWORK);
    unsigned others = !limited ? 0
                               : slots_of_others(access->delivery->spool, account->name,
                                                 (unsigned)account->max_connections, access->slot);
    if (others > 0 && begin(&file, access)) {
        account_state_refuse_connection(&file.state, others, access->delivery->now());
        account_file_end(&file, true);
    }
    return others > 0;
}

/* When the entry last met a failure of the account; 0: its last attempt met none, or another
 * account's, whose fallback this one is. */
static int64_t last_met(const struct entry_lock *lock, const struct account *account)
{
    const struct journal *journal = &lock->journal;
    if (strcmp(lock->entry.account, account->name) != 0)
        return 0;
    for (size_t i = 0; i < journal->n; i++)
        if (journal->rcpt[i].why && journal->rcpt[i].why->scope == ERROR_ACCOUNT)
            return journal->last;
    return 0;
}

enum account_access_blame account_access_met(struct account_access *access,
                                             const struct entry_lock *lock,
                                             const struct error *failure, int64_t began)
{
    struct account_file file;
    struct str reason = {0};
    access->suspect = true;
    if (!begin(&file, access))
        return BLAME_ACCOUNT;
    struct breaker_failure met = failure_of(access, failure, began, &reason);
    met.after_login = true;
    bool own = account_state_suspect(&file.state, lock->entry.id, last_met(lock, access->account),
                                     &met, access->delivery->random());
    account_file_end(&file, !own);
    str_clear(&reason);
    return own ? BLAME_ENTRY : file.state.breaker.failures > 0 ? BLAME_ACCOUNT : BLAME_NOBODY;
}

void account_access_passed(struct account_access *access)
{
    struct account_file file;
    if (access->suspect && begin(&file, access))
        account_file_end(&file, account_state_clear(&file.state, access->delivery->now()));
    access->suspect = false;
}

void account_access_count_result(struct account_access *access, enum counters_result result,
                                 const char *id, uint64_t octets)
{
    struct counters more = {0};
    int64_t took = clock_wall_microseconds() - entryid_arrival(id);
    counters_note(&more, result, octets, entryid_number(id) > 0 ? -1 : took / 1000);
    if (access->account)
        counters_count(&access->counted, access->slot, access->delivery->spool,
                       access->account->name, &more);
}
