/* ssmtp.conf and revaliases: one mail hub for all senders; revaliases gives local users an address
 * and, if they like, a hub of their own. */
#include "config.h"
#include "compat/foreign.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/fileread.h"
#include "base/memory.h"

struct reading {
    struct foreign *foreign;
    struct account *account;
    const char *path;
    bool tls, starttls, override, method;
    struct str domain, hostname;
};

static bool is_yes(const char *value)
{
    return strcasecmp(value, "yes") == 0;
}

static void take(void *context, char *line)
{
    struct reading *r = context;
    char *value = line + strcspn(line, "= \t");
    char *end = value;
    value += strspn(value, " \t");
    value += *value == '=';
    value += strspn(value, " \t");
    *end = '\0';
    const struct {
        const char *name, *key;
    } plain[] = {
        {"root", "admin"},          {"AuthUser", "user"},
        {"AuthPass", "password"},   {"TLSCert", "tls_cert_file"},
        {"TLSKey", "tls_key_file"}, {"TLS_CA_File", "tls_trust_file"},
    };
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (strcasecmp(line, plain[i].name) == 0 && *value) {
            foreign_set(r->foreign, r->account, plain[i].key, value);
            return;
        }
    if (strcasecmp(line, "mailhub") == 0)
        foreign_set_host(r->foreign, r->account, value);
    else if (strcasecmp(line, "UseTLS") == 0)
        r->tls = is_yes(value);
    else if (strcasecmp(line, "UseSTARTTLS") == 0)
        r->starttls = is_yes(value);
    else if (strcasecmp(line, "FromLineOverride") == 0)
        r->override = is_yes(value);
    else if (strcasecmp(line, "rewriteDomain") == 0)
        str_add(&r->domain, value);
    else if (strcasecmp(line, "hostname") == 0)
        str_add(&r->hostname, value);
    else if (strcasecmp(line, "AuthMethod") == 0) {
        foreign_set(r->foreign, r->account, "auth", value);
        r->method = true;
    } else if (strcasecmp(line, "Debug") != 0) {
        strlist_take(r->foreign->remarks, memory_copy(line));
    }
}

/* LOCAL:ADDRESS[:HUB[:PORT]] */
static void take_alias(void *context, char *line)
{
    struct reading *r = context;
    char *at = line, *local = strsep(&at, ":"), *address = at ? strsep(&at, ":") : NULL;
    if (!address || !*local || !*address)
        return;
    struct str served = {0};
    struct account *account = foreign_add(r->foreign, local, r->path);
    str_addf(&served, "%s@%s", local, r->foreign->host);
    foreign_set(r->foreign, account, "inherit", "default");
    foreign_set(r->foreign, account, "domains", str_text(&served));
    foreign_set(r->foreign, account, "from", address);
    foreign_set(r->foreign, account, "auto_from", "off");
    if (at && *at)
        foreign_set_host(r->foreign, account, at);
    str_clear(&served);
}

static void finish(struct reading *r)
{
    struct foreign *f = r->foreign;
    struct account *a = r->account;
    const char *domain = r->domain.len ? str_text(&r->domain) : str_text(&r->hostname);
    if (!a->host.n)
        foreign_set_host(f, a, "mail");
    foreign_set(f, a, "tls", r->tls || r->starttls ? "on" : "off");
    if (r->tls || r->starttls)
        foreign_set(f, a, "tls_starttls", r->starttls ? "on" : "off");
    if (!r->method)
        foreign_set(f, a, "auth", *a->user ? "on" : "off");
    if (!r->tls && !r->starttls && *a->user)
        foreign_set(f, a, "auth_without_tls", "on");
    foreign_set(f, a, "auto_from", "on");
    if (*domain)
        foreign_set(f, a, "maildomain", domain);
    if (r->hostname.len)
        foreign_set(f, a, "domain", str_text(&r->hostname));
    foreign_set(f, a, "rewrite_from", "off");
    foreign_set(f, a, "set_from_header", r->override ? "auto" : "on");
    if (r->tls || r->starttls)
        strlist_add(f->remarks, "ssmtp looked at no certificate; this does: see tls_certcheck");
}

bool foreign_ssmtp(struct foreign *foreign, const char *path, struct error *err)
{
    struct reading r = {.foreign = foreign, .path = path};
    struct str text = {.secret = true}, aliases = {0};
    bool ok = fileread_all(path, FOREIGN_FILE_MAX, &text, NULL, err) &&
              foreign_read_beside(path, "revaliases", &aliases, err);
    if (ok) {
        r.account = foreign_add(foreign, "default", path);
        foreign_lines(&text, take, &r);
        finish(&r);
        foreign_lines(&aliases, take_alias, &r);
    }
    str_clear(&text);
    str_clear(&aliases);
    str_clear(&r.domain);
    str_clear(&r.hostname);
    return ok;
}
