#include "config.h"
#include "config/provider.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/fileread.h"
#include "base/memory.h"
#include "message/address.h"
#include "config/inifile.h"
#include "config/nearest.h"
#include "config/section.h"

/* A file of providers, below all others, parsed by the first question that it might answer. */
struct provider_store {
    char *file;
    struct str text;
    struct provider_table table;
    struct error error; /* if it failed */
    bool parsed, failed;
};

struct provider_reading {
    struct provider_table *table;
    const char *file;
    struct section section;
};

static void provider_free(struct provider *provider)
{
    key_clear(KEY_PROVIDER, provider);
    free(provider->name);
    free(provider->file);
    free(provider);
}

struct provider *provider_add(struct provider_table *table, const char *name, const char *file,
                              int line, struct error *err)
{
    for (size_t i = 0; i < table->n; i++) {
        const struct provider *other = table->item[i];
        if (strcasecmp(other->name, name) == 0 && strcmp(other->file, file) == 0 &&
            other->line != line) { /* else the file is read for both levels */
            error_config(err, "provider %s was already described in line %d", name, other->line);
            return NULL;
        }
    }
    table->item = memory_grow(table->item, table->n, &table->size, sizeof(struct provider *));
    struct provider *provider = memory_new(sizeof *provider);
    provider->name = memory_copy(name);
    provider->file = memory_copy(file);
    provider->line = line;
    provider->scope = SCOPE_SYSTEM;
    key_fill(KEY_PROVIDER, provider);
    table->item[table->n++] = provider;
    return provider;
}

static const char provider_word[] = "provider ", oauth_word[] = "oauth ";

static bool begins_with(const char *section, const char *word)
{
    return strncmp(section, word, strlen(word)) == 0;
}

bool provider_has_section(const char *section)
{
    return begins_with(section, provider_word) || begins_with(section, oauth_word);
}

bool provider_begin(struct provider_table *table, const struct provider_origin *origin,
                    const struct ini_event *event, struct section *section, struct error *err)
{
    const char *name = strchr(event->section, ' ') + 1;
    if (begins_with(event->section, oauth_word)) {
        struct oauth_service *service =
            oauth_service_add(&table->oauth, name, origin->file, event->line, err);
        if (!service)
            return false;
        service->scope = origin->scope;
        section_begin(section, KEY_OAUTH, service, &service->set, origin->home);
        return true;
    }
    struct provider *provider = provider_add(table, name, origin->file, event->line, err);
    if (!provider)
        return false;
    provider->scope = origin->scope;
    section_begin(section, KEY_PROVIDER, provider, &provider->set, origin->home);
    return true;
}

static bool take(void *context, const struct ini_event *event, struct error *err)
{
    struct provider_reading *r = context;
    const struct provider_origin origin = {r->file, SCOPE_SYSTEM, ""};
    if (event->key && !*event->section)
        return error_config(err, "a section like [provider NAME] must come first");
    if (event->key)
        return section_take(&r->section, event, err);
    if (!provider_has_section(event->section))
        return error_config(err, "[%s] does not belong here: write [provider NAME]",
                            event->section);
    return provider_begin(r->table, &origin, event, &r->section, err);
}

static bool parse(struct provider_table *table, const char *file, const struct str *text,
                  struct error *err)
{
    struct provider_reading r = {.table = table, .file = file};
    struct ini_reader reader = {.event = take, .context = &r};
    return inifile_parse(file, text, &reader, err);
}

bool provider_open(struct provider_table *table, const char *file, struct error *err)
{
    table->store = memory_new(sizeof *table->store);
    table->store->file = memory_copy(file);
    return fileread_all(file, PROVIDER_FILE_MAX, &table->store->text, NULL, err);
}

static const struct provider_table *stored(const struct provider_table *table)
{
    static const struct provider_table none;
    struct provider_store *store = table->store;
    if (!store)
        return &none;
    if (!store->parsed)
        store->failed = !parse(&store->table, store->file, &store->text, &store->error);
    store->parsed = true;
    return &store->table;
}

bool provider_load(const struct provider_table *table, struct error *err)
{
    (void)stored(table);
    if (!table->store || !table->store->failed)
        return true;
    *err = table->store->error;
    return false;
}

size_t provider_count(const struct provider_table *table)
{
    return stored(table)->n + table->n;
}

const struct provider *provider_at(const struct provider_table *table, size_t i)
{
    const struct provider_table *below = stored(table);
    return i < below->n ? below->item[i] : table->item[i - below->n];
}

bool provider_domain_fits(const char *pattern, const char *domain)
{
    if (pattern[0] != '*')
        return strcasecmp(pattern, domain) == 0;
    size_t tail = strlen(pattern + 1), len = strlen(domain);
    return len > tail && strcasecmp(domain + len - tail, pattern + 1) == 0;
}

/* Later ones win, and an exact domain over a wildcard; SCOPE leaves out those of lower scopes. */
static const struct provider *for_domain(const struct provider_table *table, const char *domain,
                                         enum account_scope scope)
{
    const struct provider *best = NULL;
    size_t best_length = 0;
    for (size_t i = *domain ? provider_count(table) : 0; i-- > 0;) {
        const struct provider *provider = provider_at(table, i);
        for (size_t j = 0; provider->scope >= scope && j < provider->domains.n; j++) {
            const char *pattern = provider->domains.item[j];
            size_t length = pattern[0] == '*' ? strlen(pattern) : SIZE_MAX;
            if (length > best_length && provider_domain_fits(pattern, domain)) {
                best = provider;
                best_length = length;
            }
        }
    }
    return best;
}

const struct provider *provider_for_domain(const struct provider_table *table, const char *domain)
{
    return for_domain(table, domain, SCOPE_COMMAND_LINE);
}

static const struct provider *by_name(const struct provider_table *table, const char *name,
                                      enum account_scope scope)
{
    for (size_t i = provider_count(table); i-- > 0;) {
        const struct provider *provider = provider_at(table, i);
        if (provider->scope >= scope && strcasecmp(provider->name, name) == 0)
            return provider;
    }
    return NULL;
}

static const struct provider *by_host_in(const struct provider_table *table,
                                         const struct account *account)
{
    for (size_t i = table->n; i-- > 0;)
        for (size_t j = 0; table->item[i]->scope >= account->scope && j < account->host.n; j++)
            if (strlist_has(&table->item[i]->host, account->host.item[j]))
                return table->item[i];
    return NULL;
}

/* The names in the text are in small letters, as a test sees to: strcasestr(3) would be a quarter
 * of what mailq costs. */
static bool is_in_text(const struct provider_store *store, const char *host)
{
    char *small = memory_copy(host);
    for (char *c = small; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    bool found = strstr(str_text(&store->text), small) != NULL;
    free(small);
    return found;
}

/* Most hosts that are named are no known provider's: their names are not in the text. */
static const struct provider *by_host(const struct provider_table *table,
                                      const struct account *account)
{
    const struct provider *provider = by_host_in(table, account);
    for (size_t i = 0; !provider && table->store && i < account->host.n; i++)
        if (is_in_text(table->store, account->host.item[i]))
            return by_host_in(stored(table), account);
    return provider;
}

/* A host that is not the provider's has not got the provider's quirks, whatever the user's domain
 * is: so the host, where there is one, decides. */
static const struct provider *of_account(const struct provider_table *table,
                                         const struct account *account)
{
    if (*account->provider)
        return by_name(table, account->provider, account->scope);
    if (account_has(account, "host"))
        return by_host(table, account);
    if (*account->socket)
        return NULL;
    const struct provider *found = for_domain(table, address_domain(account->user), account->scope);
    return found ? found : for_domain(table, address_domain(account->from), account->scope);
}

bool provider_implicit_tls(const struct provider *provider)
{
    static const char name[] = "tls_starttls";
    return !provider->tls_starttls ||
           (provider->port == 465 && !key_is_set(&provider->set, key_find(KEY_PROVIDER, name)));
}

/* True if it says something that only a login with tokens needs. */
static bool uses_oauth(const struct account *account)
{
    return *account->oauth_client_id || *account->oauth_key_file ||
           account->oauth_grant != OAUTH_PERSON;
}

static void fill(struct account *account, const struct provider *provider)
{
    if (!account_has(account, "host") && !*account->socket)
        strlist_copy(&account->host, &provider->host);
    bool own_way = account_has(account, "port") || account_has(account, "tls") ||
                   account_has(account, "tls_starttls") || account_has(account, "protocol");
    if (!own_way) {
        account->port = provider->port;
        account->tls_starttls = !provider_implicit_tls(provider);
    }
    if (!account_has(account, "auth"))
        account->auth = provider->auth;
    if (!account_has(account, "max_connections") && provider->max_connections > 0)
        account->max_connections = provider->max_connections;
    if (!account_has(account, "max_recipients"))
        account->max_recipients = provider->max_recipients;
    if (!account_has(account, "rate"))
        strlist_copy(&account->rate, &provider->rate);
    if (!account_has(account, "oauth") && uses_oauth(account))
        memory_replace(&account->oauth, provider->oauth);
    account->senders = provider->senders;
    strlist_copy(&account->trouble, &provider->trouble);
    memory_replace(&account->provider_note, provider->note);
}

static const struct oauth_service *find_oauth(const struct provider_table *table, const char *name,
                                              enum account_scope scope)
{
    const struct oauth_service *found = oauth_service_find(&table->oauth, name, scope);
    return found ? found : oauth_service_find(&stored(table)->oauth, name, scope);
}

/* The authorization server; with one, the login takes whichever mechanism for tokens is offered. */
static void complete_oauth(const struct provider_table *table, struct account *account)
{
    oauth_service_free(account->oauth_service);
    if (oauth_service_is_issuer(account->oauth))
        account->oauth_service = oauth_service_of_issuer(account->oauth);
    else
        account->oauth_service =
            oauth_service_copy(find_oauth(table, account->oauth, account->scope));
    if (!account_has(account, "auth"))
        account->auth = AUTH_ON;
}

static bool unknown_oauth(const struct provider_table *table, const struct account *account,
                          struct error *err)
{
    struct nearest nearest = {.word = account->oauth};
    const struct oauth_services *lists[] = {&stored(table)->oauth, &table->oauth};
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < lists[k]->n; i++)
            nearest_offer(&nearest, lists[k]->item[i]->name);
    if (nearest.best)
        error_config(err, "unknown oauth '%s': did you mean '%s'?", account->oauth, nearest.best);
    else
        error_config(err,
                     "unknown oauth '%s': add a section [oauth %s], or write the issuer, "
                     "https://...",
                     account->oauth, account->oauth);
    (void)error_prefix(err, "account %s", account->name);
    return account_locate(account, err);
}

static bool unknown(const struct provider_table *table, const struct account *account,
                    struct error *err)
{
    struct nearest nearest = {.word = account->provider};
    for (size_t i = 0; i < provider_count(table); i++)
        nearest_offer(&nearest, provider_at(table, i)->name);
    if (nearest.best)
        error_config(err, "unknown provider '%s': did you mean '%s'?", account->provider,
                     nearest.best);
    else
        error_config(err,
                     "unknown provider '%s': add `host = ...` instead, or a section "
                     "[provider %s]",
                     account->provider, account->provider);
    (void)error_prefix(err, "account %s", account->name);
    return account_locate(account, err);
}

void provider_complete(const struct provider_table *table, struct account *account)
{
    if (account->as_msmtp)
        return;
    if (account->protocol == PROTOCOL_MAILDIR) {
        account->tls = false;
        return;
    }
    if (!account_has(account, "auth"))
        account->auth = *account->user ? AUTH_ON : AUTH_OFF;
    const struct provider *provider = of_account(table, account);
    if (provider)
        fill(account, provider);
    if (*account->oauth)
        complete_oauth(table, account);
}

bool provider_check(const struct provider_table *table, const struct account *account,
                    struct error *err)
{
    if (table->store && table->store->failed)
        return provider_load(table, err);
    if (account->protocol == PROTOCOL_MAILDIR)
        return account_check(account, err);
    if (!account->as_msmtp && *account->provider && !of_account(table, account))
        return unknown(table, account, err);
    if (account_has_oauth(account) && !account->oauth_service)
        return unknown_oauth(table, account, err);
    return account_check(account, err);
}

void provider_table_clear(struct provider_table *table)
{
    for (size_t i = 0; i < table->n; i++)
        provider_free(table->item[i]);
    free(table->item);
    oauth_services_clear(&table->oauth);
    if (table->store) {
        provider_table_clear(&table->store->table);
        str_clear(&table->store->text);
        free(table->store->file);
        free(table->store);
    }
    *table = (struct provider_table){0};
}
