/* Providers: which submission server serves a mail domain, and its quirks. The table is
 * etc/providers.ini, extended and overridden by [provider NAME] sections of the configuration. */
#ifndef PROVIDER_H
#define PROVIDER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/strlist.h"
#include "config/account.h"
#include "config/oauth_service.h"

struct provider {
    char *name;
    char *file; /* where it was read */
    int line;
    enum account_scope scope; /* whose: an account is not completed from a lower scope's */
    struct key_set set;
    struct strlist domains; /* mail domains, exact or "*.example" */
    struct strlist host;
    long port;
    bool tls_starttls;
    int auth;
    int senders;                          /* enum account_senders */
    long max_connections, max_recipients; /* 0: not known */
    struct strlist rate;                  /* see config/rate.h */
    struct strlist trouble; /* parts of replies that mean account trouble: "550 5.4.5", a text */
    char *oauth;            /* the [oauth NAME] that gives tokens for it, "" for none */
    char *note;             /* what a user must know: "needs an app password: https://..." */
};

struct ini_event;
struct provider_store;
struct section;

struct provider_table {
    struct provider **item;
    size_t n;
    size_t size;
    struct oauth_services oauth;
    struct provider_store *store; /* a file that is parsed only where it is asked; NULL: none */
};

enum { PROVIDER_FILE_MAX = 1024 * 1024 }; /* octets of a file of providers */

/* Adds a provider of SCOPE_SYSTEM with every key's fallback; the table owns it. NULL, with an
 * error, if FILE has described one of that name before. */
struct provider *provider_add(struct provider_table *table, const char *name, const char *file,
                              int line, struct error *err);

struct provider_origin {
    const char *file;
    enum account_scope scope;
    const char *home; /* for ~/ in paths, "" for none */
};

/* True if the section's name is "provider NAME" or "oauth NAME". */
bool provider_has_section(const char *section);

/* Begins such a section of a file: adds what it describes to TABLE, and SECTION takes its keys. */
bool provider_begin(struct provider_table *table, const struct provider_origin *origin,
                    const struct ini_event *event, struct section *section, struct error *err);

/* Reads FILE, whose providers come before all that are added, but parses it only if a question
 * cannot be answered without: it has 120 providers, and most accounts name another host. What is
 * wrong in it then is found by provider_check(). */
bool provider_open(struct provider_table *table, const char *file, struct error *err);

/* Parses it now. False if something is wrong in it. */
bool provider_load(const struct provider_table *table, struct error *err);

/* All providers, the earliest first. */
size_t provider_count(const struct provider_table *table);
const struct provider *provider_at(const struct provider_table *table, size_t i);

/* The provider that serves DOMAIN: later ones win over earlier ones. */
const struct provider *provider_for_domain(const struct provider_table *table, const char *domain);

/* True if TLS begins with the connection: tls_starttls is off, or the port is 465 and nothing else
 * was said. */
bool provider_implicit_tls(const struct provider *provider);

/* True if DOMAIN is PATTERN, or below it if that is "*.example"; case is ignored. */
bool provider_domain_fits(const char *pattern, const char *domain);

/* Fills what ACCOUNT leaves open (host, port and tls_starttls, auth, senders, trouble) from the
 * provider it names, or the one its host belongs to, or, without a host, the one that serves the
 * domain of its user or from. Port and TLS mode come together: an account that says anything about
 * either gets neither. An account with an oauth_client_id, oauth_key_file or oauth_grant gets its
 * provider's `oauth`, and what `oauth` names is found for it. What was filled does not count as
 * given, so doing it again changes nothing. Accounts that are as_msmtp are left as they are. */
void provider_complete(const struct provider_table *table, struct account *account);

/* Checks an account that was completed: a `provider` or `oauth` that is not known, and what
 * account_check() finds, are EX_CONFIG, "FILE:LINE: account NAME: no host is known for example.net:
 * add `host = ...`". */
bool provider_check(const struct provider_table *table, const struct account *account,
                    struct error *err);

void provider_table_clear(struct provider_table *table);

#endif
