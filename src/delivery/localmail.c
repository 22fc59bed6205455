#include "config.h"
#include "delivery/localmail.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "message/address.h"
#include "message/aliases.h"
#include "config/ownership.h"

static bool some_account_serves(const struct configuration *config, const char *domain)
{
    for (size_t i = 0; i < config->n; i++) {
        const struct account *a = config->account[i];
        if (strcasecmp(address_domain(account_address(a)), domain) == 0 ||
            strlist_has(&a->domains, domain))
            return true;
    }
    return false;
}

/* A machine may be called like the mail domain whose mailboxes are elsewhere: if an account serves
 * the domain, its addresses are not local ones. */
static bool is_local(const struct submission *s, const char *mailbox)
{
    const char *domain = address_domain(mailbox);
    return !*domain || (strlist_has(&s->site->host.names, domain) &&
                        !some_account_serves(&s->site->config, domain));
}

static bool open_aliases(struct submission *s, struct aliases **aliases, struct error *err)
{
    /* Who can write to a user's aliases gets that user's mail. */
    const struct key *key = key_find(KEY_ACCOUNT, "aliases");
    if (key_is_set(&s->account->set, key))
        return !*s->account->aliases ||
               (ownership_check_named(s->account, key, s->site->caller.uid, err) &&
                aliases_read(aliases, s->account->aliases, false, &s->warnings, err));
    struct str path = {0};
    str_addf(&path, "%s/aliases", s->site->paths->sysconfdir);
    bool ok = aliases_read(aliases, str_text(&path), true, &s->warnings, err);
    str_clear(&path);
    return ok;
}

struct expansion {
    struct submission *s;
    struct aliases *aliases;
    const char *admin;
    const struct recipient *wishes; /* for what comes of it */
    struct envelope *to;
};

static void add_recipient(struct expansion *x, const char *mailbox)
{
    envelope_ask(envelope_add(x->to, mailbox), x->wishes); /* twice is once */
}

/* As with msmtp local names are the provider's affair; where mail is kept, it is theirs. */
static bool takes_local_names(const struct account *account)
{
    return account->as_msmtp || account->protocol == PROTOCOL_MAILDIR;
}

/* A second round is not needed: what comes out of aliases_expand() has no alias any more. */
static bool add_one(struct expansion *x, const char *mailbox, struct error *err)
{
    bool stays = !is_local(x->s, mailbox) || (!*x->admin && takes_local_names(x->s->account));
    if (!stays && !*x->admin)
        return error_config(err,
                            "%s is a user of this machine, and there is no alias and no admin: add "
                            "`admin = you@example.org` to account %s in %s",
                            mailbox, x->s->account->name, x->s->account->file);
    add_recipient(x, stays ? mailbox : x->admin);
    return true;
}

/* What an alias was asked for is asked of what comes of it. A report of success is asked of the
 * first address alone, with all other parameters, so that the sender gets one for the alias
 * (RFC 3461, 5.2.7.3 and 5.2.7.4 b). The other way is an "expanded" report of our own, which a
 * message that is relayed without a queue could not have. */
static bool expand_one(struct expansion *x, const struct recipient *rcpt, struct error *err)
{
    static const struct recipient none;
    const char *mailbox = rcpt->address;
    x->wishes = rcpt;
    if (!is_local(x->s, mailbox))
        return add_one(x, mailbox, err);
    struct strlist out = {0};
    char *name = memory_copy_n(mailbox, address_local_length(mailbox));
    bool ok = true;
    if (!x->aliases || !aliases_expand(x->aliases, name, &out, &x->s->warnings))
        ok = add_one(x, mailbox, err);
    for (size_t i = 0; ok && i < out.n; i++) {
        ok = add_one(x, out.item[i], err);
        if (rcpt->notify & DSN_SUCCESS)
            x->wishes = &none;
    }
    strlist_clear(&out);
    free(name);
    return ok;
}

/* Exchanges the two, but what is not a recipient stays in ENV. */
static void take_over(struct envelope *env, struct envelope *expanded)
{
    struct envelope old = *env;
    *env = *expanded;
    *expanded = old;
    env->sender = old.sender;
    env->envid = old.envid;
    env->dsn_return = old.dsn_return;
    env->body_8bit_wish = old.body_8bit_wish;
    expanded->sender = NULL;
    expanded->envid = NULL;
}

bool localmail_expand(struct submission *s, struct error *err)
{
    const struct account *a = s->account;
    bool passes_on = a->as_msmtp && !*a->aliases && !*a->admin;
    bool any = false;
    for (size_t i = 0; i < s->envelope.n && !any && !passes_on; i++)
        any = is_local(s, s->envelope.rcpt[i].address);
    if (!any)
        return true;

    struct envelope expanded = {0};
    struct expansion x = {
        .s = s,
        .admin = *a->admin || takes_local_names(a) ? a->admin : account_address(a),
        .to = &expanded,
    };
    bool ok = open_aliases(s, &x.aliases, err);
    for (size_t i = 0; ok && i < s->envelope.n; i++)
        ok = expand_one(&x, &s->envelope.rcpt[i], err);
    aliases_free(x.aliases);
    if (ok)
        take_over(&s->envelope, &expanded);
    envelope_clear(&expanded);
    return ok;
}
