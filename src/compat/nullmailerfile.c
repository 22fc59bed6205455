/* nullmailer's directory: a file for each setting, and in `remotes` a line for each server, tried
 * in order. */
#include "config.h"
#include "compat/foreign.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/memory.h"

struct reading {
    struct foreign *foreign;
    const char *path;
    size_t n;
};

struct options {
    bool starttls, tls, auth_login, insecure, port;
};

/* One word of a remote: "--port=587", "user=me", "--starttls". */
static void take_option(struct reading *r, struct account *a, struct options *o, char *word)
{
    static const struct {
        const char *name, *key;
    } plain[] = {{"user", "user"},
                 {"pass", "password"},
                 {"x509cafile", "tls_trust_file"},
                 {"x509certfile", "tls_cert_file"},
                 {"x509keyfile", "tls_key_file"},
                 {"source", "source_ip"},
                 {"timeout", "timeout"}};
    char *name = word + strspn(word, "-"), *value = name + strcspn(name, "=");
    if (*value)
        *value++ = '\0';
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (strcmp(name, plain[i].name) == 0) {
            foreign_set(r->foreign, a, plain[i].key, value);
            return;
        }
    if (strcmp(name, "port") == 0) {
        foreign_set(r->foreign, a, "port", value);
        o->port = true;
    } else if (strcmp(name, "starttls") == 0)
        o->starttls = true;
    else if (strcmp(name, "tls") == 0 || strcmp(name, "ssl") == 0)
        o->tls = true;
    else if (strcmp(name, "auth-login") == 0)
        o->auth_login = true;
    else if (strcmp(name, "insecure") == 0)
        o->insecure = true;
    else
        strlist_take(r->foreign->remarks, memory_copy(name));
}

static void finish(struct reading *r, struct account *a, const struct options *o)
{
    struct foreign *f = r->foreign;
    bool tls = o->tls || o->starttls;
    foreign_set(f, a, "tls", tls ? "on" : "off");
    if (tls)
        foreign_set(f, a, "tls_starttls", o->starttls ? "on" : "off");
    if (!o->port)
        foreign_set(f, a, "port", o->tls ? "465" : "25");
    if (o->insecure && tls)
        foreign_set(f, a, "tls_certcheck", "off");
    foreign_set(f, a, "auth", !*a->user ? "off" : o->auth_login ? "login" : "on");
    if (!tls && *a->user)
        foreign_set(f, a, "auth_without_tls", "on");
}

static void take_remote(void *context, char *line)
{
    struct reading *r = context;
    char *at = line, *word = strsep(&at, " \t");
    struct options o = {.port = false};
    char name[32] = "default";
    if (r->n++ > 0) {
        strlist_add(r->foreign->remarks,
                    "a second remote: where it takes the same login, name it behind the first "
                    "in `host`");
        return;
    }
    struct account *a = foreign_add(r->foreign, name, r->path);
    foreign_set(r->foreign, a, "host", word);
    while (at && (word = strsep(&at, " \t")))
        if (*word && strcmp(word, "smtp") != 0)
            take_option(r, a, &o, word);
    finish(r, a, &o);
}

/* The first line of a file of the directory becomes KEY, if there is one. */
static bool take_file(struct reading *r, const char *name, const char *key, bool *given,
                      struct error *err)
{
    struct str text = {0}, path = {0};
    str_addf(&path, "%s/", r->path);
    bool ok = foreign_read_beside(str_text(&path), name, &text, err);
    str_truncate(&text, text.len ? strcspn(text.data, "\r\n") : 0);
    *given = ok && text.len > 0;
    if (*given)
        foreign_set(r->foreign, r->foreign->first, key, str_text(&text));
    str_clear(&text);
    str_clear(&path);
    return ok;
}

bool foreign_nullmailer(struct foreign *foreign, const char *path, struct error *err)
{
    struct reading r = {.foreign = foreign, .path = path};
    struct str remotes = {.secret = true}, beside = {0};
    bool helo = false, from = false, admin = false;
    str_addf(&beside, "%s/", path);
    bool ok = foreign_read_beside(str_text(&beside), "remotes", &remotes, err);
    if (ok)
        foreign_lines(&remotes, take_remote, &r);
    if (ok && r.n == 0)
        ok = error_config(err, "%s/remotes: names no server", path);
    ok = ok && take_file(&r, "adminaddr", "admin", &admin, err) &&
         take_file(&r, "allmailfrom", "from", &from, err) &&
         take_file(&r, "helohost", "domain", &helo, err) &&
         (helo || take_file(&r, "me", "domain", &helo, err));
    if (ok)
        foreign_set(foreign, foreign->first, "rewrite_from", "off");
    if (ok && from)
        foreign_set(foreign, foreign->first, "allow_from_override", "off");
    str_clear(&remotes);
    str_clear(&beside);
    return ok;
}
