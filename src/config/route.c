#include "config.h"
#include "config/route.h"

#include <fnmatch.h>
#include <string.h>
#include <strings.h>

#include "message/address.h"
#include "config/nearest.h"

enum { SERVED_SHOWN_MAX = 12 }; /* domains in one error message */

/* How well an account fits a sender: the higher wins, the earlier account among equals. Wildcards
 * come below, by their length. */
enum fit {
    FIT_NONE = 0,
    FIT_OWN_DOMAIN = 1 << 20,
    FIT_DOMAIN,
    FIT_ADDRESS,
    FIT_FROM,
};

bool route_is_local(const char *mailbox, const struct strlist *local_names)
{
    const char *domain = address_domain(mailbox);
    return *domain == '\0' || strcasecmp(domain, "localhost") == 0 ||
           (local_names && strlist_has(local_names, domain));
}

static bool from_fits(const char *from, const char *mailbox)
{
    if (*from == '\0' || *mailbox == '\0')
        return false;
    if (strpbrk(from, "?*["))
        return fnmatch(from, mailbox, 0) == 0; /* msmtp's, letter case and all */
    return strcasecmp(from, mailbox) == 0;
}

/* As msmtp does: the address as it is, then without +detail if `from` has none. */
static bool matches_from(const char *from, const char *mailbox)
{
    if (from_fits(from, mailbox))
        return true;
    size_t local = address_local_length(mailbox);
    const char *plus = memchr(mailbox, '+', local);
    if (!plus || strchr(from, '+'))
        return false;
    struct str plain = {0};
    str_add_n(&plain, mailbox, (size_t)(plus - mailbox));
    str_add(&plain, mailbox + local);
    bool fits = from_fits(from, str_text(&plain));
    str_clear(&plain);
    return fits;
}

static int fit_of_item(const char *item, const char *mailbox)
{
    if (strchr(item, '@'))
        return address_equal(item, mailbox, true) ? FIT_ADDRESS : FIT_NONE;
    if (!provider_domain_fits(item, address_domain(mailbox)))
        return FIT_NONE;
    size_t length = strlen(item);
    return item[0] != '*' ? FIT_DOMAIN : (int)(length < FIT_OWN_DOMAIN ? length : 1);
}

bool route_has(const struct strlist *items, const char *mailbox)
{
    for (size_t i = 0; i < items->n; i++)
        if (fit_of_item(items->item[i], mailbox) != FIT_NONE)
            return true;
    return false;
}

/* The domain that an account serves without `domains`. */
static const char *own_domain(const struct account *account)
{
    const char *domain = address_domain(account->from);
    return *domain ? domain : address_domain(account->user);
}

/* Of an msmtprc only `from` counts. */
static int fit_of_account(const struct account *account, const char *mailbox)
{
    if (account->as_msmtp)
        return matches_from(account->from, mailbox) ? FIT_FROM : FIT_NONE;
    if (matches_from(account->from, mailbox))
        return FIT_FROM;
    if (address_equal(account->user, mailbox, true))
        return FIT_ADDRESS;
    const char *domain = address_domain(mailbox);
    int best = FIT_NONE;
    if (*domain == '\0')
        return best;
    for (size_t i = 0; i < account->domains.n; i++) {
        int fit = fit_of_item(account->domains.item[i], mailbox);
        best = fit > best ? fit : best;
    }
    if (account->domains.n == 0 && strcasecmp(own_domain(account), domain) == 0)
        best = FIT_OWN_DOMAIN;
    return best;
}

static enum route_reason reason_of(const struct account *account, const char *mailbox, int fit)
{
    if (fit == FIT_FROM || address_equal(account->user, mailbox, true))
        return ROUTE_FROM;
    return fit == FIT_OWN_DOMAIN ? ROUTE_OWN_DOMAIN : ROUTE_DOMAINS;
}

/* Two logins at a provider that lets each send as itself only: neither may send for a third. */
static bool check_exact(const struct configuration *config, const struct account *chosen,
                        const char *mailbox, int fit, struct error *err)
{
    if (fit >= FIT_ADDRESS || chosen->senders != SENDERS_EXACT)
        return true;
    for (size_t i = 0; i < config->n; i++) {
        const struct account *other = config->account[i];
        if (other == chosen || other->scope != chosen->scope || other->senders != SENDERS_EXACT ||
            fit_of_account(other, mailbox) != fit ||
            address_equal(account_address(other), account_address(chosen), true))
            continue;
        return error_config(err,
                            "both account %s (%s) and account %s (%s) could send for %s, and their "
                            "provider accepts nobody but the account's own address: send as one "
                            "of these, or add `domains = %s` to one account",
                            chosen->name, account_address(chosen), other->name,
                            account_address(other), mailbox, mailbox);
    }
    return true;
}

/* Looks for the account that serves MAILBOX; ROUTE's account is NULL if none does. False: an error.
 * Accounts of an msmtprc are chosen by the envelope's sender alone. */
static bool serve(const struct configuration *config, const char *mailbox, bool of_envelope,
                  struct route *route, struct error *err)
{
    *route = (struct route){0};
    for (enum account_scope scope = SCOPE_USER; scope <= SCOPE_SYSTEM; scope++) {
        const struct account *chosen = NULL;
        int best = FIT_NONE;
        for (size_t i = 0; i < config->n; i++) {
            const struct account *a = config->account[i];
            bool asked = a->scope == scope && (of_envelope || !a->as_msmtp);
            int fit = asked ? fit_of_account(a, mailbox) : FIT_NONE;
            if (fit > best) {
                best = fit;
                chosen = config->account[i];
            }
        }
        if (!chosen)
            continue;
        *route = (struct route){chosen, reason_of(chosen, mailbox, best), mailbox};
        return check_exact(config, chosen, mailbox, best, err);
    }
    return true;
}

static void add_places(const struct configuration *config, struct str *out)
{
    const char *user = config->found[SCOPE_USER].path, *system = config->found[SCOPE_SYSTEM].path;
    str_addf(out, "%s%s%s", user, *user && *system ? ", " : "", system);
}

static bool not_found(const struct configuration *config, const char *name, struct error *err)
{
    struct str places = {0};
    struct nearest nearest = {.word = name};
    for (size_t i = 0; i < config->n; i++)
        nearest_offer(&nearest, config->account[i]->name);
    add_places(config, &places);
    error_config(err, "account %s not found in %s", name, str_text(&places));
    str_clear(&places);
    return nearest_hint(&nearest, err);
}

static bool nothing_configured(const struct configuration *config, struct error *err)
{
    struct str places = {0};
    add_places(config, &places);
    error_config(err,
                 "no account is configured in %s: type `onehopctl setup ADDRESS`, or add three "
                 "lines, `[account me]`, `user = NAME@EXAMPLE.COM` and `password_file = PATH`, and "
                 "`host = ...` if the provider is not a known one",
                 str_text(&places));
    str_clear(&places);
    return false;
}

static void note_served(const struct account *account, struct strlist *served)
{
    for (size_t i = 0; i < account->domains.n; i++)
        if (!strlist_has(served, account->domains.item[i]))
            strlist_add(served, account->domains.item[i]);
    const char *own = own_domain(account);
    if (account->domains.n == 0 && *own && !strlist_has(served, own))
        strlist_add(served, own);
}

static bool nothing_serves(const struct configuration *config, const char *sender, bool foreign,
                           struct error *err)
{
    struct strlist served = {0};
    struct str shown = {0};
    for (size_t i = 0; i < config->n && served.n <= SERVED_SHOWN_MAX; i++)
        note_served(config->account[i], &served);
    for (size_t i = 0; i < served.n && i < SERVED_SHOWN_MAX; i++)
        str_addf(&shown, "%s%s", i ? ", " : "", served.item[i]);
    if (served.n > SERVED_SHOWN_MAX)
        str_add(&shown, ", ...");
    const char *domain = address_domain(sender);
    const char *list = shown.len ? str_text(&shown) : "none";
    if (foreign)
        error_config(err,
                     "no account serves senders at %s (served: %s): add `domains = %s` to the "
                     "account that may send for them, an account with `user = NAME@%s`, or an "
                     "[account default] for all others",
                     domain, list, domain, domain);
    else
        error_config(err,
                     "no account serves the local sender '%s' (served: %s), and there are several: "
                     "add an [account default], where `inherit = NAME` is enough",
                     sender, list);
    strlist_clear(&served);
    str_clear(&shown);
    return false;
}

/* A file's only account serves local senders, the system's all. In an msmtprc it does so for
 * callers by sendmail's name alone. */
static const struct account *sole(const struct configuration *config, enum account_scope scope,
                                  bool foreign, bool as_sendmail)
{
    const struct account *account = configuration_sole(config, scope);
    if (!account || (foreign && scope != SCOPE_SYSTEM) || (account->as_msmtp && !as_sendmail))
        return NULL;
    return account;
}

/* Scope by scope: a user's only account comes before the system's default. */
static bool fall_back(const struct configuration *config, const struct route_query *query,
                      const char *sender, struct route *route, struct error *err)
{
    bool foreign = !route_is_local(sender, query->local_names);
    const struct account *named = configuration_account(config, "default");
    for (enum account_scope scope = SCOPE_USER; scope <= SCOPE_SYSTEM; scope++) {
        bool has_default = named && named->scope == scope;
        const struct account *account =
            has_default ? named : sole(config, scope, foreign, query->as_sendmail);
        if (account) {
            *route = (struct route){account, has_default ? ROUTE_DEFAULT : ROUTE_SOLE, sender};
            return true;
        }
    }
    if (config->account[0]->as_msmtp)
        return not_found(config, "default", err);
    return nothing_serves(config, sender, foreign, err);
}

static bool is_callers_own(const struct account *account, const char *caller)
{
    if (account->allow_from_override == OVERRIDE_ON)
        return false;
    for (size_t i = 0; i < account->domains.n; i++)
        if (fit_of_item(account->domains.item[i], caller) == FIT_ADDRESS)
            return true;
    return false;
}

bool route_choose(const struct configuration *config, const struct route_query *query,
                  struct route *route, struct error *err)
{
    const char *given[] = {query->envelope_from ? query->envelope_from : "", query->header_from};
    const char *first = NULL, *foreign = NULL;
    if (*query->account) {
        const struct account *named = configuration_account(config, query->account);
        if (!named)
            return not_found(config, query->account, err);
        const char *sender = *given[0] ? given[0] : *given[1] ? given[1] : query->caller;
        *route = (struct route){named, ROUTE_NAMED, sender};
        return true;
    }
    if (config->n == 0)
        return nothing_configured(config, err);
    for (size_t i = 0; i < 2; i++) {
        if (!*given[i])
            continue;
        if (!serve(config, given[i], i == 0, route, err))
            return false;
        if (route->account)
            return true;
        first = first ? first : given[i];
        if (!foreign && !route_is_local(given[i], query->local_names))
            foreign = given[i];
    }
    /* A foreign sender does not become the caller's address, except in an account that serves this
     * very caller and ignores -f. */
    if (!serve(config, query->caller, false, route, err) && !foreign)
        return false;
    if (route->account && (!foreign || is_callers_own(route->account, query->caller)))
        return true;
    if (!first && !route_is_local(query->caller, query->local_names))
        foreign = query->caller;
    const char *sender = foreign ? foreign : first ? first : query->caller;
    return fall_back(config, query, sender, route, err);
}

static bool may_send_as(const struct account *account, const char *mailbox,
                        const struct strlist *local_names)
{
    if (account_owns(account, mailbox))
        return true;
    if (route_is_local(mailbox, local_names) && !strchr(address_domain(mailbox), '.'))
        return false;
    for (size_t i = 0; i < account->domains.n; i++)
        if (fit_of_item(account->domains.item[i], mailbox) == FIT_ADDRESS)
            return true;
    return account->senders != SENDERS_EXACT && fit_of_account(account, mailbox) != FIT_NONE;
}

bool route_replaces(const struct account *account, const char *mailbox,
                    const struct strlist *local_names)
{
    switch ((enum account_rewrite)account->rewrite_from) {
    case REWRITE_OFF:
        return false;
    case REWRITE_LOCAL:
        return route_is_local(mailbox, local_names);
    case REWRITE_FOREIGN:
        return !may_send_as(account, mailbox, local_names);
    case REWRITE_ALWAYS:
        return true;
    }
    return false;
}
