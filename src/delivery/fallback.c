#include "config.h"
#include "delivery/fallback.h"

#include <pwd.h>
#include <string.h>
#include <sysexits.h>

#include "config/permission.h"
#include "queue/account_state.h"
#include "delivery/verdict.h"

/* The account that ACCOUNT names as its fallback; NULL: none. */
static const struct account *fallback_of(const struct site *site, const struct account *account)
{
    const struct account *other =
        *account->fallback ? configuration_account(&site->config, account->fallback) : NULL;
    return other && other->scope == account->scope ? other : NULL;
}

const struct account *fallback_in_use(const struct site *site, const struct account *account,
                                      const struct breaker *breaker, enum delivery_urgency urgency,
                                      int64_t now)
{
    bool lasts = breaker->failures > 0 && !breaker->after_login &&
                 now - breaker->since >= account->fallback_after / 1000;
    return lasts && !account_access_may_try(site, account, breaker, urgency, now)
               ? fallback_of(site, account)
               : NULL;
}

const struct account *fallback_choose(const struct delivery_context *delivery,
                                      const struct account *account, enum delivery_urgency urgency)
{
    struct account_state state;
    if (!*account->fallback)
        return NULL;
    account_state_read(&state, delivery->spool, account->name);
    return fallback_in_use(delivery->site, account, &state.breaker, urgency, delivery->now());
}

bool fallback_may_carry(const struct account *other, const struct entry *entry)
{
    char nobody[] = "";
    struct error ignored;
    const struct passwd *user = entry->has_uid ? getpwuid(entry->uid) : NULL;
    const struct caller caller = {.uid = entry->has_uid ? entry->uid : (uid_t)-1,
                                  .name = user ? user->pw_name : nobody};
    return permission_check(other, &caller, &ignored);
}

bool fallback_is_carried(const struct site *site, const struct entry *entry, const char *through)
{
    if (strcmp(entry->account, through) == 0)
        return false;
    const struct account *own = configuration_account(&site->config, entry->account);
    const struct account *other = own ? fallback_of(site, own) : NULL;
    return other && strcmp(other->name, through) == 0;
}

static void judge(struct error *met, const struct account *through, struct str *why)
{
    if (!verdict_is_final(met) || verdict_is_about_mailbox(met)) {
        (void)error_prefix(met, "account %s", through->name);
        return;
    }
    met->class = ERROR_TEMPORARY;
    met->code = EX_TEMPFAIL;
    (void)error_prefix(met, "account %s is not asked again", through->name);
    if (why->len == 0)
        error_explain(met, why);
}

void fallback_judge(struct attempt *attempt, const struct entry_lock *lock,
                    const struct account *through, struct str *why)
{
    if (attempt->failed)
        judge(&attempt->failure, through, why);
    for (size_t i = 0; i < attempt->n; i++)
        if (lock->journal.rcpt[i].status == JOURNAL_WAITING &&
            attempt->outcomes[i].result == OUTCOME_REFUSED)
            judge(attempt->outcomes[i].error, through, why);
}
