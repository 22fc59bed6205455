#include "config.h"
#include "base/sasl.h"

#include <string.h>
#include <strings.h>

static void add_secret(struct str *out, const struct sasl_login *login)
{
    str_add_n(out, str_text(login->password), login->password->len);
}

static void plain(const struct sasl_login *login, unsigned step, struct str *out) /* RFC 4616 */
{
    (void)step;
    str_add_n(out, "", 1); /* no authorization identity of its own */
    str_add_n(out, login->user, strlen(login->user) + 1);
    add_secret(out, login);
}

static void plain_login(const struct sasl_login *login, unsigned step, struct str *out)
{
    if (step == 0)
        str_add(out, login->user);
    else
        add_secret(out, login);
}

static void external(const struct sasl_login *login, unsigned step, struct str *out)
{
    (void)step;
    str_add(out, login->user); /* RFC 4422, appendix A: may be empty */
}

/* A name inside a GS2 header (RFC 5801, 4): '=' and ',' are written "=3D" and "=2C". */
static void add_gs2_name(struct str *out, const char *name)
{
    for (; *name; name++)
        if (*name == '=' || *name == ',')
            str_add(out, *name == '=' ? "=3D" : "=2C");
        else
            str_add_char(out, *name);
}

static void oauthbearer(const struct sasl_login *login, unsigned step, struct str *out)
{
    (void)step; /* RFC 7628, 3.1 */
    str_add(out, "n,a=");
    add_gs2_name(out, login->user);
    str_addf(out, ",\001host=%s\001port=%d\001auth=Bearer ", login->host, login->port);
    add_secret(out, login);
    str_add(out, "\001\001");
}

static void xoauth2(const struct sasl_login *login, unsigned step, struct str *out)
{
    (void)step;
    str_addf(out, "user=%s\001auth=Bearer ", login->user);
    add_secret(out, login);
    str_add(out, "\001\001");
}

static const struct sasl mechanisms[] = {
    /* the automatic ones first, best first */
    {"SCRAM-SHA-256-PLUS", .initial = true, .exchange = true, .automatic = true, .binds = true},
    {"SCRAM-SHA-1-PLUS", .initial = true, .exchange = true, .automatic = true, .binds = true},
    {"SCRAM-SHA-256", .initial = true, .exchange = true, .automatic = true},
    {"SCRAM-SHA-1", .initial = true, .exchange = true, .automatic = true},
    {"PLAIN", .shows_secret = true, .initial = true, .automatic = true, .responses = 1,
     .respond = plain},
    {"LOGIN", .shows_secret = true, .automatic = true, .responses = 2, .respond = plain_login},
    {"EXTERNAL", .initial = true, .needs_no_secret = true, .responses = 1, .respond = external},
    {"OAUTHBEARER", .shows_secret = true, .initial = true, .takes_token = true, .responses = 1,
     .respond = oauthbearer, .give_up = "AQ=="}, /* RFC 7628, 3.2.3 */
    {"XOAUTH2", .shows_secret = true, .initial = true, .takes_token = true, .responses = 1,
     .respond = xoauth2, .give_up = ""},
    /* An exchange of these that was recorded can be tried with passwords at any speed. */
    {"CRAM-MD5", .shows_secret = true, .exchange = true},
    {"DIGEST-MD5", .shows_secret = true, .exchange = true},
    {"GSSAPI", .initial = true, .exchange = true, .needs_no_secret = true, .reads_files = true},
    {"NTLM", .shows_secret = true, .exchange = true, .reads_files = true},
};

/* OFFERED has blanks around every name, so that PLAIN is not found in XPLAIN or PLAIN-CLIENT. */
static bool has(const char *offered, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = offered; (at = strstr(at, name)); at += len)
        if (at > offered && at[-1] == ' ' && at[len] == ' ')
            return true;
    return false;
}

const struct sasl *sasl_choose(const char *name, const char *offered, bool binding,
                               bool (*knows)(const char *name))
{
    for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++) {
        const struct sasl *m = &mechanisms[i];
        bool wanted =
            *name ? strcasecmp(m->name, name) == 0 : m->automatic && (binding || !m->binds);
        bool known = *name || !m->exchange;
        if (wanted && has(offered, m->name) && (known || knows(m->name)))
            return m;
    }
    return NULL;
}

const struct sasl *sasl_find(const char *name)
{
    for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++)
        if (strcasecmp(mechanisms[i].name, name) == 0)
            return &mechanisms[i];
    return NULL;
}

const struct sasl *sasl_at(size_t i)
{
    return i < sizeof mechanisms / sizeof *mechanisms ? &mechanisms[i] : NULL;
}
