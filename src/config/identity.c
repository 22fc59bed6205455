#include "config.h"
#include "config/identity.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "config/pattern.h"

static void expand(char **slot, const struct pattern_facts *facts)
{
    struct str out = {0};
    pattern_expand(*slot, facts, &out);
    free(*slot);
    *slot = str_take(&out);
}

static void make_from(struct account *account, const char *user)
{
    struct str out = {0};
    str_add(&out, user);
    if (*account->maildomain)
        str_addf(&out, "@%s", account->maildomain);
    free(account->from);
    account->from = str_take(&out);
}

static bool has_patterns(const struct account *account)
{
    return account->auto_from || strchr(account->from, '%') || strchr(account->domain, '%');
}

static void apply_patterns(struct account *account, const struct identity_facts *facts)
{
    const struct this_host *host = &facts->site->host;
    const char *name = *facts->caller->host ? facts->caller->host : host->name;
    const struct pattern_facts values = {
        .user = facts->caller->user,
        .host = name,
        .canonical = *host->full_name ? host->full_name : name,
        .mail_name = host->mail_name,
        .from = facts->header_from,
    };
    expand(&account->from, &values);
    expand(&account->domain, &values);
    if (account->auto_from)
        make_from(account, facts->caller->user);
}

/* "" takes a number back. */
static bool unsets(const struct override *o)
{
    return o->key->type == KEY_NUMBER && !*o->value && strcmp(o->key->name, "port") != 0;
}

static bool apply_override(const struct override *o, struct account *account, const char *home,
                           struct error *err)
{
    if (unsets(o)) {
        key_unset(o->key, account, account->as_msmtp);
        return true;
    }
    if (account_set(account, o->key->name, o->value, home, err))
        return true;
    err->code = EX_USAGE;
    return error_prefix(err, "option for %s", o->key->name);
}

bool identity_check_override(const struct override *override, struct error *err)
{
    struct account *scratch = account_new("", SCOPE_COMMAND_LINE);
    bool ok = apply_override(override, scratch, "", err);
    account_free(scratch);
    return ok;
}

/* Sendmail's callers count on a queue, and their senders are often users of this machine, which no
 * provider takes: an msmtprc, which says nothing about either, is read for them as an INI file is.
 */
static bool is_msmtprc_of_sendmail(const struct account *account, const struct caller *caller)
{
    return caller->as_sendmail && account->as_msmtp && account->scope != SCOPE_COMMAND_LINE;
}

static void serve_as_sendmail(struct account *own, const struct configuration *config)
{
    bool serves_all = own->scope == SCOPE_SYSTEM && configuration_sole(config, SCOPE_SYSTEM);
    own->queue = true;
    own->rewrite_from = serves_all ? REWRITE_FOREIGN : REWRITE_LOCAL;
}

bool identity_make(struct identity *identity, const struct account *chosen,
                   const struct identity_facts *facts, struct error *err)
{
    const struct configuration *config = &facts->site->config;
    bool ok = true;
    bool as_sendmail = is_msmtprc_of_sendmail(chosen, facts->caller);
    *identity = (struct identity){.configured = chosen, .account = chosen};
    if (facts->overrides > 0 || has_patterns(chosen) || as_sendmail)
        identity->account = identity->own = account_copy(chosen);
    if (as_sendmail)
        serve_as_sendmail(identity->own, config);
    for (size_t i = 0; ok && i < facts->overrides; i++)
        ok = apply_override(&facts->override[i], identity->own, facts->caller->home, err);
    if (ok && facts->overrides > 0)
        provider_complete(&config->providers, identity->own);
    ok = ok && provider_check(&config->providers, identity->account, err);
    if (ok && has_patterns(identity->account))
        apply_patterns(identity->own, facts);
    return ok;
}

bool identity_equal(const struct identity *a, const struct identity *b)
{
    return a->configured == b->configured && strcmp(a->account->from, b->account->from) == 0 &&
           strcmp(a->account->domain, b->account->domain) == 0;
}

void identity_clear(struct identity *identity)
{
    account_free(identity->own);
    *identity = (struct identity){0};
}
