#include "config.h"
#include "smtp/sasl.h"

#include <string.h>

#include "smtp/exchange.h"

static void add_secret(struct str *out, const struct session_login *login)
{
    str_add_n(out, str_text(login->password), login->password->len);
}

static void plain(const struct session_login *login, unsigned step, struct str *out) /* RFC 4616 */
{
    (void)step;
    str_add_n(out, "", 1); /* no authorization identity of its own */
    str_add_n(out, login->user, strlen(login->user) + 1);
    add_secret(out, login);
}

static void plain_login(const struct session_login *login, unsigned step, struct str *out)
{
    if (step == 0)
        str_add(out, login->user);
    else
        add_secret(out, login);
}

static void external(const struct session_login *login, unsigned step, struct str *out)
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

static void oauthbearer(const struct session_login *login, unsigned step, struct str *out)
{
    (void)step; /* RFC 7628, 3.1 */
    str_add(out, "n,a=");
    add_gs2_name(out, login->user);
    str_addf(out, ",\001host=%s\001port=%d\001auth=Bearer ", login->host, login->port);
    add_secret(out, login);
    str_add(out, "\001\001");
}

static void xoauth2(const struct session_login *login, unsigned step, struct str *out)
{
    (void)step;
    str_addf(out, "user=%s\001auth=Bearer ", login->user);
    add_secret(out, login);
    str_add(out, "\001\001");
}

static const struct sasl mechanisms[] = {
    /* in the order of SASL_AUTO */
    {SASL_SCRAM_SHA_256_PLUS, "SCRAM-SHA-256-PLUS", false, true, true, 0, NULL, NULL},
    {SASL_SCRAM_SHA_1_PLUS, "SCRAM-SHA-1-PLUS", false, true, true, 0, NULL, NULL},
    {SASL_SCRAM_SHA_256, "SCRAM-SHA-256", false, true, true, 0, NULL, NULL},
    {SASL_SCRAM_SHA_1, "SCRAM-SHA-1", false, true, true, 0, NULL, NULL},
    {SASL_PLAIN, "PLAIN", true, true, false, 1, plain, NULL},
    {SASL_LOGIN, "LOGIN", true, false, false, 2, plain_login, NULL},
    {SASL_EXTERNAL, "EXTERNAL", false, true, false, 1, external, NULL},
    {SASL_OAUTHBEARER, "OAUTHBEARER", true, true, false, 1, oauthbearer,
     "AQ=="}, /* RFC 7628, 3.2.3 */
    {SASL_XOAUTH2, "XOAUTH2", true, true, false, 1, xoauth2, ""},
    /* Whoever sees these can try passwords at home, as fast as he likes. */
    {SASL_CRAM_MD5, "CRAM-MD5", true, false, true, 0, NULL, NULL},
    {SASL_DIGEST_MD5, "DIGEST-MD5", true, false, true, 0, NULL, NULL},
    {SASL_GSSAPI, "GSSAPI", false, true, true, 0, NULL, NULL},
    {SASL_NTLM, "NTLM", true, false, true, 0, NULL, NULL},
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

/* The methods of SASL_AUTO; a channel is bound only where there is something to bind to. */
static bool is_automatic(const struct sasl *m, bool binding)
{
    switch (m->id) {
    case SASL_SCRAM_SHA_256_PLUS:
    case SASL_SCRAM_SHA_1_PLUS:
        return binding;
    case SASL_SCRAM_SHA_256:
    case SASL_SCRAM_SHA_1:
    case SASL_PLAIN:
    case SASL_LOGIN:
        return true;
    default:
        return false;
    }
}

const struct sasl *sasl_choose(enum sasl_mechanism wish, const char *offered, bool binding)
{
    for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++) {
        const struct sasl *m = &mechanisms[i];
        bool wanted = wish == SASL_AUTO ? is_automatic(m, binding) : m->id == wish;
        bool known = wish != SASL_AUTO || !m->exchange;
        if (wanted && has(offered, m->name) && (known || exchange_knows(m->name)))
            return m;
    }
    return NULL;
}

const char *sasl_name(enum sasl_mechanism wish)
{
    for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++)
        if (mechanisms[i].id == wish)
            return mechanisms[i].name;
    return "SCRAM, PLAIN or LOGIN";
}
