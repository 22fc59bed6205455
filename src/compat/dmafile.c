/* dma.conf and auth.conf: one smart host; auth.conf has a line USER|HOST:PASSWORD for each server.
 */
#include "config.h"
#include "compat/foreign.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/fileread.h"
#include "base/memory.h"

struct reading {
    struct foreign *foreign;
    struct account *account;
    bool secure, starttls, opportunistic, insecure, port;
    struct str auth_path;
};

static void masquerade(struct reading *r, const char *value)
{
    const char *at = strchr(value, '@');
    struct str pattern = {0};
    if (!at)
        str_addf(&pattern, "%%U@%s", value);
    else if (at == value || !at[1])
        str_addf(&pattern, at == value ? "%%U%s" : "%s", value);
    else
        str_add(&pattern, value);
    if (at && !at[1])
        str_add(&pattern, r->foreign->host);
    foreign_set(r->foreign, r->account, "from", str_text(&pattern));
    str_clear(&pattern);
}

static void take(void *context, char *line)
{
    struct reading *r = context;
    char *value = line + strcspn(line, " \t");
    if (*value)
        *value++ = '\0';
    value += strspn(value, " \t");
    const struct {
        const char *name;
        bool *flag;
    } flags[] = {{"SECURETRANSFER", &r->secure},
                 {"STARTTLS", &r->starttls},
                 {"OPPORTUNISTIC_TLS", &r->opportunistic},
                 {"INSECURE", &r->insecure}};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (strcmp(line, flags[i].name) == 0) {
            *flags[i].flag = true;
            return;
        }
    if (strcmp(line, "SMARTHOST") == 0)
        foreign_set(r->foreign, r->account, "host", value);
    else if (strcmp(line, "PORT") == 0) {
        foreign_set(r->foreign, r->account, "port", value);
        r->port = true;
    } else if (strcmp(line, "ALIASES") == 0)
        foreign_set(r->foreign, r->account, "aliases", value);
    else if (strcmp(line, "FINGERPRINT") == 0)
        foreign_set(r->foreign, r->account, "tls_fingerprint", value);
    else if (strcmp(line, "CERTFILE") == 0) {
        foreign_set(r->foreign, r->account, "tls_cert_file", value);
        foreign_set(r->foreign, r->account, "tls_key_file", value);
    } else if (strcmp(line, "MAILNAME") == 0 && *value != '/')
        foreign_set(r->foreign, r->account, "domain", value);
    else if (strcmp(line, "MASQUERADE") == 0)
        masquerade(r, value);
    else if (strcmp(line, "AUTHPATH") == 0)
        str_add(&r->auth_path, value);
    else if (strcmp(line, "SPOOLDIR") != 0 && strcmp(line, "NULLCLIENT") != 0)
        strlist_take(r->foreign->remarks, memory_copy(line));
}

static void take_login(void *context, char *line)
{
    struct reading *r = context;
    char *bar = strchr(line, '|'), *colon = bar ? strchr(bar, ':') : NULL;
    const struct account *a = r->account;
    if (!colon)
        return;
    *bar = *colon = '\0';
    if (a->host.n == 0 || strcmp(bar + 1, a->host.item[0]) != 0)
        return; /* of another server */
    foreign_set(r->foreign, r->account, "user", line);
    foreign_set(r->foreign, r->account, "password", colon + 1);
}

static void finish(struct reading *r)
{
    struct foreign *f = r->foreign;
    struct account *a = r->account;
    foreign_set(f, a, "tls", r->secure ? "on" : "off");
    if (r->secure)
        foreign_set(f, a, "tls_starttls", r->starttls ? "on" : "off");
    if (!r->port)
        foreign_set(f, a, "port", "25");
    foreign_set(f, a, "auth", *a->user ? "on" : "off");
    if (*a->user && !r->secure)
        foreign_set(f, a, "auth_without_tls", r->insecure ? "on" : "off");
    foreign_set(f, a, "rewrite_from", *a->from ? "always" : "off");
    if (r->secure && r->opportunistic)
        strlist_add(f->remarks, "OPPORTUNISTIC_TLS: this insists on TLS");
    if (r->secure && !*a->tls_fingerprint)
        strlist_add(f->remarks, "dma looked at no certificate; this does: see tls_certcheck");
}

bool foreign_dma(struct foreign *foreign, const char *path, struct error *err)
{
    struct reading r = {.foreign = foreign};
    struct str text = {0}, logins = {.secret = true};
    bool ok = fileread_all(path, FOREIGN_FILE_MAX, &text, NULL, err);
    if (ok) {
        r.account = foreign_add(foreign, "default", path);
        foreign_lines(&text, take, &r);
        ok = foreign_read_beside(path, r.auth_path.len ? str_text(&r.auth_path) : "auth.conf",
                                 &logins, err);
    }
    if (ok && r.account->host.n == 0)
        ok = error_config(err, "%s: there is no SMARTHOST; onehop delivers through one only", path);
    if (ok) {
        foreign_lines(&logins, take_login, &r);
        finish(&r);
    }
    str_clear(&text);
    str_clear(&logins);
    str_clear(&r.auth_path);
    return ok;
}
