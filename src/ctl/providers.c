#include "config.h"
#include "ctl/providers.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/translation.h"
#include "config/provider.h"
#include "submit/help.h"
#include "submit/report.h"
#include "ctl/json.h"

static void print_text(const struct provider *p)
{
    const char *host = p->host.n ? p->host.item[0] : "";
    const char *tls = provider_implicit_tls(p) ? "TLS" : "STARTTLS";
    if (p->senders == SENDERS_EXACT)
        (void)printf(_("%-12s %s:%ld %s, sends as its own address only\n"), p->name, host, p->port,
                     tls);
    else
        (void)printf("%-12s %s:%ld %s\n", p->name, host, p->port, tls);
    struct str domains = {0};
    for (size_t i = 0; i < p->domains.n; i++)
        str_addf(&domains, "%s%s", i ? " " : "", p->domains.item[i]);
    if (p->domains.n > 0)
        (void)printf(_("%12s for %s\n"), "", str_text(&domains));
    str_clear(&domains);
    if (*p->note)
        (void)printf("%12s %s\n", "", p->note);
}

static void print_list(const char *name, const struct strlist *list)
{
    (void)printf(", \"%s\": [", name);
    for (size_t i = 0; i < list->n; i++) {
        (void)fputs(i ? ", " : "", stdout);
        json_print_text(stdout, list->item[i]);
    }
    (void)putchar(']');
}

static void print_json(const struct provider *p)
{
    (void)fputs("{\"name\": ", stdout);
    json_print_text(stdout, p->name);
    print_list("domains", &p->domains);
    print_list("host", &p->host);
    (void)printf(", \"port\": %ld", p->port);
    json_print_member(stdout, "tls", provider_implicit_tls(p) ? "implicit" : "starttls");
    json_print_member(stdout, "senders", p->senders == SENDERS_EXACT ? "exact" : "any");
    (void)printf(", \"max_connections\": %ld, \"max_recipients\": %ld", p->max_connections,
                 p->max_recipients);
    print_list("rate", &p->rate);
    print_list("trouble", &p->trouble);
    json_print_member(stdout, "note", p->note);
    (void)putchar('}');
}

/* Prints ONE, or all if that is NULL. */
static void print(const struct provider_table *table, const struct provider *one, bool json)
{
    size_t n = one ? 1 : provider_count(table);
    for (size_t i = 0; i < n; i++) {
        const struct provider *p = one ? one : provider_at(table, i);
        if (json)
            (void)fputs(i ? ",\n " : "[", stdout);
        (json ? print_json : print_text)(p);
    }
    if (json)
        (void)puts(n ? "]" : "[]");
}

static int show(const struct site *site, const char *domain, bool json)
{
    const struct provider_table *table = &site->config.providers;
    if (!*domain) {
        print(table, NULL, json);
        return EX_OK;
    }
    const char *at = strrchr(domain, '@');
    const struct provider *p = provider_for_domain(table, at ? at + 1 : domain);
    if (p)
        print(table, p, json);
    else if (json)
        (void)puts("[]");
    if (!p)
        report_line(site->program, "no provider is known for %s", domain);
    return p ? EX_OK : EX_NOHOST;
}

int providers_run(int argc, char **argv, struct site *site)
{
    struct error err;
    bool json = argc > 0 && strcmp(argv[0], "--json") == 0;
    if (argc - json > 1 || (argc > json && argv[(int)json][0] == '-')) {
        report_line(site->program, "providers takes --json, and a mail domain or an address");
        return EX_USAGE;
    }
    if (!site_configure(site, NULL, &err) || !provider_load(&site->config.providers, &err)) {
        report_error(site->program, &err);
        return err.code;
    }
    int code = show(site, argc > json ? argv[(int)json] : "", json);
    return code == EX_OK ? help_flush() : code;
}
