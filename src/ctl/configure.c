#include "config.h"
#include "ctl/configure.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "base/idna.h"
#include "base/translation.h"
#include "message/address.h"
#include "config/keycheck.h"
#include "submit/help.h"
#include "submit/report.h"

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

bool configure_belongs(const struct submission_server *found, const char *domain)
{
    const char *host = found->host;
    size_t host_len = strlen(host), len = strlen(domain);
    return host_len >= len && strcasecmp(host + host_len - len, domain) == 0 &&
           (host_len == len || host[host_len - len - 1] == '.');
}

static void show_warnings(const struct submission_server *f, const char *domain)
{
    (void)printf("# - from %s\n", f->origin);
    if (!configure_belongs(f, domain))
        (void)printf("# - the host does not belong to %s: make sure that it is right\n", domain);
    if (*f->note)
        (void)printf("# - %s\n", f->note);
}

static void show_msmtprc(const struct submission_server *f, const char *address)
{
    (void)printf("account %s\nhost %s\nport %u\ntls on\ntls_starttls %s\nauth on\nuser %.*s\n"
                 "# passwordeval gpg --no-tty -q -d ~/.msmtp-password.gpg\nfrom %s\n",
                 address, f->host, f->port, f->starttls ? "on" : "off",
                 (int)(f->whole_user ? strlen(address) : address_local_length(address)), address,
                 address);
}

static void show_ini(const struct submission_server *f, const char *address)
{
    (void)printf("[account %s]\nfrom = %s\nhost = %s\nport = %u\ntls_starttls = %s\nauth = on\n"
                 "user = %.*s\n; password_file = ~/.config/onehop/password\n",
                 address, address, f->host, f->port, f->starttls ? "on" : "off",
                 (int)(f->whole_user ? strlen(address) : address_local_length(address)), address);
}

static void show(const struct invocation *call, const struct submission_server *f)
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
bool configure_find(const struct provider_table *table, const char *domain,
                    struct submission_server *found)
{
    const struct provider *p = provider_for_domain(table, domain);
    *found = (struct submission_server){
        .origin = N_("the table of providers"), .note = "", .auth = AUTH_ON, .whole_user = true};
    if (p && p->host.n > 0) {
        found->provider = p->name;
        found->host = p->host.item[0];
        found->starttls = !provider_implicit_tls(p);
        found->port = p->port ? (unsigned)p->port : found->starttls ? 587 : 465;
        found->note = p->note;
        found->auth = p->auth;
        return true;
    }
    if (!ask_dns(domain, &found->record, &found->starttls))
        return false;
    found->origin = N_("SRV records in DNS");
    found->host = found->record.host;
    found->port = found->record.port;
    found->whole_user = false;
    return true;
}

static int find_and_show(const struct invocation *call, const struct configuration *config)
{
    const char *domain = address_domain(call->configure);
    struct submission_server found;
    if (!configure_find(&config->providers, domain, &found)) {
        report_line(call->program,
                    "automatic configuration based on SRV records failed: %s has none, and no "
                    "provider is known for it",
                    domain);
        return EX_NOHOST;
    }
    show(call, &found);
    return help_flush();
}

int configure_run(const struct invocation *call, struct site *site)
{
    struct error err;
    if (!keycheck_address(call->configure, &err) ||
        !keycheck_domain(address_domain(call->configure), &err)) {
        report_line(call->program, "cannot use mail address %s: %s", call->configure,
                    error_shown(&err));
        return EX_DATAERR;
    }
    if (site_configure(site, NULL, &err))
        return find_and_show(call, &site->config);
    report_error(call->program, &err);
    return EX_CONFIG;
}
