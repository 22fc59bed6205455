#include "config.h"
#include "config/account.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/memory.h"
#include "base/sasl.h"
#include "base/translation.h"
#include "message/address.h"
#include "message/dsn.h"
#include "config/oauth_service.h"

static struct account *new_account(const char *name, enum account_scope scope)
{
    struct account *account = memory_new(sizeof *account);
    account->name = memory_copy(name);
    account->file = memory_copy("");
    account->provider_note = memory_copy("");
    account->scope = scope;
    return account;
}

struct account *account_new(const char *name, enum account_scope scope)
{
    struct account *account = new_account(name, scope);
    key_fill(KEY_ACCOUNT, account);
    return account;
}

struct account *account_new_msmtp(const char *name, enum account_scope scope)
{
    struct account *account = new_account(name, scope);
    account->as_msmtp = true;
    key_fill_msmtp(KEY_ACCOUNT, account);
    return account;
}

void account_complain(struct account *account, const struct error *err)
{
    if (!account->complaint && err)
        account->complaint = error_copy(err);
}

struct account *account_copy(const struct account *account)
{
    struct account *copy = new_account(account->name, account->scope);
    memory_replace(&copy->file, account->file);
    copy->line = account->line;
    copy->as_msmtp = account->as_msmtp;
    copy->set = account->set;
    copy->senders = account->senders;
    account_complain(copy, account->complaint);
    for (size_t i = 0; i < key_count; i++)
        if (key_table[i].section == KEY_ACCOUNT)
            key_copy(&key_table[i], copy, account);
    strlist_copy(&copy->trouble, &account->trouble);
    memory_replace(&copy->provider_note, account->provider_note);
    copy->oauth_service = oauth_service_copy(account->oauth_service);
    return copy;
}

void account_free(struct account *account)
{
    if (!account)
        return;
    key_clear(KEY_ACCOUNT, account);
    strlist_clear(&account->trouble);
    oauth_service_free(account->oauth_service);
    free(account->complaint);
    free(account->provider_note);
    free(account->name);
    free(account->file);
    free(account);
}

bool account_set(struct account *account, const char *name, const char *text, const char *home,
                 struct error *err)
{
    const struct key *key = key_find(KEY_ACCOUNT, name);
    if (!key)
        return error_config(err, "no account has a key '%s'", name);
    if (!key_parse(key, account, text, home, err))
        return false;
    key_mark(&account->set, key);
    return true;
}

bool account_has(const struct account *account, const char *name)
{
    const struct key *key = key_find(KEY_ACCOUNT, name);
    assert(key);
    return key_is_set(&account->set, key);
}

void account_inherit(struct account *account, const struct account *parent)
{
    for (size_t i = 0; i < key_count; i++) {
        const struct key *key = &key_table[i];
        if (key->section != KEY_ACCOUNT || !key_is_set(&parent->set, key) ||
            key_is_set(&account->set, key) || (key->flags & KEY_OF_ONE) ||
            (account->protocol == PROTOCOL_MAILDIR && key->of_server))
            continue;
        key_copy(key, account, parent);
        key_mark(&account->set, key);
    }
}

bool account_implicit_tls(const struct account *account)
{
    if (!account->tls)
        return false;
    if (!account->tls_starttls)
        return true;
    return account->port == 465 && !account->as_msmtp && !account_has(account, "tls_starttls");
}

int account_port(const struct account *account)
{
    if (account->port)
        return (int)account->port;
    if (account->protocol == PROTOCOL_LMTP)
        return account->as_msmtp ? 0 : 24;
    if (account_implicit_tls(account))
        return 465;
    return account->tls && !account->as_msmtp ? 587 : 25;
}

const char *account_address(const struct account *account)
{
    if (*account->from && !strpbrk(account->from, "?*["))
        return account->from;
    return *address_domain(account->user) ? account->user : "";
}

bool account_has_token(const struct account *account)
{
    return account_has_oauth(account) || account->keyring == KEYRING_GOA;
}

bool account_is_token_uri(const char *file)
{
    return strncmp(file, "pkcs11:", 7) == 0;
}

bool account_has_pin(const struct account *account)
{
    return account_is_token_uri(account->tls_key_file) &&
           (account->password.len > 0 || *account->password_file || *account->password_command);
}

bool account_has_oauth(const struct account *account)
{
    return *account->oauth && !account->as_msmtp;
}

const struct sasl *account_sasl(int auth)
{
    return auth < AUTH_MECHANISM ? NULL : sasl_at((size_t)(auth - AUTH_MECHANISM));
}

bool account_owns(const struct account *account, const char *mailbox)
{
    if (*mailbox == '\0')
        return false;
    return address_equal(mailbox, account_address(account), true) ||
           address_equal(mailbox, account->user, true);
}

unsigned account_dsn_notify(const struct account *account)
{
    const struct strlist *list = &account->dsn_notify;
    unsigned bits = 0;
    for (size_t i = 0; i < list->n; i++) /* "off" has none */
        bits |= dsn_notify_word(list->item[i], strlen(list->item[i]));
    return bits;
}

int account_syslog_facility(const struct account *account)
{
#define NUMBER(facility) facility
    static const int facilities[] = {
        [SYSLOG_OFF] = -1, [SYSLOG_ON] = LOG_MAIL, ACCOUNT_FACILITIES(NUMBER)};
    if (account->syslog == SYSLOG_ON && account->as_msmtp)
        return LOG_USER;
    return facilities[account->syslog];
}

/* What is wrong with the login by tokens, NULL if nothing is. */
static const char *token_contradiction(const struct account *a)
{
    const struct sasl *sasl = account_sasl(a->auth);
    bool by_desktop = a->keyring == KEYRING_GOA;
    if (by_desktop && account_has_oauth(a))
        return N_("oauth and `keyring = goa` both give tokens: remove one of them");
    if (by_desktop && a->scope == SCOPE_SYSTEM)
        return N_("`keyring = goa` is for a user's account: the machine's has no desktop");
    if (a->auth != AUTH_ON && !(sasl && sasl->takes_token))
        return by_desktop ? N_("`keyring = goa` is for a login with tokens: leave `auth` out, or "
                               "write `auth = xoauth2` or `auth = oauthbearer`")
                          : N_("oauth is for a login with tokens: leave `auth` out, or write "
                               "`auth = xoauth2` or `auth = oauthbearer`");
    if (!*a->user)
        return by_desktop ? N_("`keyring = goa` needs the mailbox to log in to: add "
                               "`user = name@example.com`")
                          : N_("oauth needs the mailbox to log in to: add "
                               "`user = name@example.com`");
    if (by_desktop)
        return NULL;
    if (a->oauth_grant == OAUTH_SERVICE_ACCOUNT && !*a->oauth_key_file)
        return N_("a service account proves itself with its key: add `oauth_key_file = ...`");
    if (a->oauth_grant != OAUTH_SERVICE_ACCOUNT && !*a->oauth_client_id)
        return N_("oauth needs your registration with the provider: add `oauth_client_id = ...`; "
                  "onehop-oauth(7) says how to get one");
    if (a->oauth_grant == OAUTH_CLIENT_CREDENTIALS && !*a->oauth_client_secret_file &&
        !*a->oauth_key_file)
        return N_(
            "client_credentials needs a secret or a key: add `oauth_client_secret_file = ...`, "
            "or `oauth_key_file = ...` and `oauth_cert_file = ...`");
    return NULL;
}

/* False: the account keeps mail and has a key about a server, or has no place to keep it in. */
static bool check_maildir(const struct account *account, struct error *err)
{
    if (!*account->maildir)
        return error_config(err,
                            "protocol = maildir needs a place: add `maildir = /var/mail/root`");
    for (size_t i = 0; i < key_count; i++)
        if (key_table[i].section == KEY_ACCOUNT && key_is_set(&account->set, &key_table[i]) &&
            key_table[i].of_server)
            return error_config(err,
                                "%s is about a server, and mail is kept in a Maildir: remove it",
                                key_table[i].name);
    return true;
}

/* What is wrong with the account as a whole, NULL if nothing is. */
static const char *contradiction(const struct account *account)
{
    if (*account->tls_key_file && !*account->tls_cert_file)
        return N_("tls_key_file needs a certificate: add `tls_cert_file = ...`");
    if (*account->tls_cert_file && !*account->tls_key_file)
        return N_("tls_cert_file needs its private key: add `tls_key_file = ...`");
    if (account->tls && account->tls_certcheck && !*account->tls_trust_file &&
        !*account->tls_fingerprint)
        return N_("nothing says which certificates to trust: add `tls_trust_file = system` or "
                  "`tls_fingerprint = ...`");
    if (*account->tls_crl_file && !*account->tls_trust_file)
        return N_("tls_crl_file needs trusted authorities: add `tls_trust_file = system`");
    if (account->requiretls && (!account->tls || !account->tls_certcheck))
        return N_("requiretls needs verified TLS: remove `tls = off` and `tls_certcheck = off`");
    if (account->tls_dane &&
        (!account->tls || !account->tls_certcheck || *account->socket || *account->tls_fingerprint))
        return N_("tls_dane is the check of a host's certificate: remove `tls = off`, "
                  "`tls_certcheck = off`, `tls_fingerprint` and `socket`");
    if (account->dsn_notify.n > 1 &&
        (strlist_has(&account->dsn_notify, "never") || strlist_has(&account->dsn_notify, "off")))
        return N_("dsn_notify: never and off exclude other words");
    if (*account->maildir)
        return N_("maildir is for mail that is kept on this machine: add `protocol = maildir`");
    if (account_port(account) == 0 && !*account->socket)
        return N_("LMTP has no port of its own: add `port = ...`");
    return account_has_token(account) ? token_contradiction(account) : NULL;
}

bool account_locate(const struct account *account, struct error *err)
{
    if (account->line > 0)
        return error_prefix(err, "%s:%d", account->file, account->line);
    return *account->file && error_prefix(err, "%s", account->file);
}

static bool complain(const struct account *account, struct error *err)
{
    if (*account->name)
        error_prefix(err, "account %s", account->name);
    else
        error_prefix(err, "account of the command line");
    return account_locate(account, err);
}

bool account_check(const struct account *account, struct error *err)
{
    if (account->complaint) {
        *err = *account->complaint;
        return false;
    }
    if (account->protocol == PROTOCOL_MAILDIR)
        return check_maildir(account, err) || complain(account, err);
    const char *wrong = contradiction(account);
    if (wrong) {
        error_config(err, "%s", wrong);
        return complain(account, err);
    }
    if (account->host.n > 0 || *account->socket)
        return true;
    const char *domain = address_domain(account->user);
    if (!*domain)
        domain = address_domain(account->from);
    if (*account->provider)
        error_config(err, "provider %s names no host: add `host = ...`", account->provider);
    else if (*domain)
        error_config(err, "no host is known for %s: add `host = ...` (the provider's SMTP server)",
                     domain);
    else
        error_config(err, "no host is set: add `host = ...` (the provider's SMTP server), or "
                          "`user = name@DOMAIN` if the provider is a known one");
    return complain(account, err);
}

void account_print(const struct account *account, struct str *out)
{
    for (size_t i = 0; i < key_count; i++) {
        if (key_table[i].section != KEY_ACCOUNT)
            continue;
        str_addf(out, "%s = ", key_table[i].name);
        key_show(&key_table[i], account, out);
        str_add(out, "\n");
    }
}

const char *account_admin(const struct account *account)
{
    return *account->admin ? account->admin : account_address(account);
}
