#include "config.h"
#include "ctl/configure.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "base/idna.h"
#include "message/address.h"
#include "config/keycheck.h"
#include "net/srv.h"
#include "submit/help.h"
#include "submit/report.h"

struct found {
    const char *origin; /* where it is from, for the reader */
    const char *host, *note;
    unsigned port;
    bool starttls;
    bool whole_user; /* the login is the address, not only what is before its @ */
};

/* RFC 6186 and RFC 8314: TLS from the start is preferred. */
static bool ask_dns(const char *domain, struct srv_record *record, bool *starttls)
{
    static const char *const services[] = {"_submissions._tcp", "_submission._tcp"};
    struct str ascii = {0}, name = {0};
    bool found = false;
    if (!idna_to_alabels(&ascii, domain))
        return false;
    for (size_t i = 0; i < 2 && !found; i++) {
        str_truncate(&name, 0);
        str_addf(&name, "%s.%s", services[i], str_text(&ascii));
        found = srv_find(str_text(&name), record) && *record->host;
        *starttls = i == 1;
    }
    str_clear(&ascii);
    str_clear(&name);
    return found;
}

static bool is_below(const char *host, const char *domain)
{
    size_t host_len = strlen(host), len = strlen(domain);
    return host_len >= len && strcasecmp(host + host_len - len, domain) == 0 &&
           (host_len == len || host[host_len - len - 1] == '.');
}

static void show_warnings(const struct found *f, const char *domain)
{
    (void)printf("# - from %s\n", f->origin);
    if (!is_below(f->host, domain))
        (void)printf("# - the host does not belong to %s: make sure that it is right\n", domain);
    if (*f->note)
        (void)printf("# - %s\n", f->note);
}

static void show_msmtprc(const struct found *f, const char *address)
{
    (void)printf("account %s\nhost %s\nport %u\ntls on\ntls_starttls %s\nauth on\nuser %.*s\n"
                 "# passwordeval gpg --no-tty -q -d ~/.msmtp-password.gpg\nfrom %s\n",
                 address, f->host, f->port, f->starttls ? "on" : "off",
                 (int)(f->whole_user ? strlen(address) : address_local_length(address)), address,
                 address);
}

static void show_ini(const struct found *f, const char *address)
{
    (void)printf("[account %s]\nfrom = %s\nhost = %s\nport = %u\ntls_starttls = %s\nauth = on\n"
                 "user = %.*s\n; password_file = ~/.config/onehop/password\n",
                 address, address, f->host, f->port, f->starttls ? "on" : "off",
                 (int)(f->whole_user ? strlen(address) : address_local_length(address)), address);
}

static void show(const struct invocation *call, const struct found *f)
{
    const char *domain = address_domain(call->configure);
    (void)printf("# %s: a configuration for %s\n", call->program, call->configure);
    show_warnings(f, domain);
    if (call->personality == PERSONALITY_MSMTP)
        show_msmtprc(f, call->configure);
    else
        show_ini(f, call->configure);
}

/* What providers.ini and the configuration know comes before what anybody can put into DNS. */
static int find_and_show(const struct invocation *call, const struct configuration *config)
{
    const char *domain = address_domain(call->configure);
    const struct provider *p = provider_for_domain(&config->providers, domain);
    struct srv_record record;
    struct found f = {.origin = "the table of providers", .note = "", .whole_user = true};
    if (p && p->host.n > 0) {
        f.host = p->host.item[0];
        f.starttls = p->tls_starttls && p->port != 465;
        f.port = p->port ? (unsigned)p->port : f.starttls ? 587 : 465;
        f.note = p->note;
    } else if (ask_dns(domain, &record, &f.starttls)) {
        f.origin = "SRV records in DNS";
        f.host = record.host;
        f.port = record.port;
        f.whole_user = false;
    } else {
        report_line(call->program,
                    "automatic configuration based on SRV records failed: %s has none, and no "
                    "provider is known for it",
                    domain);
        return EX_NOHOST;
    }
    show(call, &f);
    return help_flush();
}

int configure_run(const struct invocation *call, struct site *site)
{
    struct error err;
    if (!keycheck_address(call->configure, &err) ||
        !keycheck_domain(address_domain(call->configure), &err)) {
        report_line(call->program, "cannot use mail address %s: %s", call->configure, err.text);
        return EX_DATAERR;
    }
    if (site_configure(site, NULL, &err))
        return find_and_show(call, &site->config);
    report_error(call->program, &err);
    return EX_CONFIG;
}
