#include "config.h"
#include "smtp/sasl.h"

#include <string.h>

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
    {SASL_PLAIN, "PLAIN", true, true, 1, plain, NULL},
    {SASL_LOGIN, "LOGIN", true, false, 2, plain_login, NULL},
    {SASL_EXTERNAL, "EXTERNAL", false, true, 1, external, NULL},
    {SASL_OAUTHBEARER, "OAUTHBEARER", true, true, 1, oauthbearer, "AQ=="}, /* RFC 7628, 3.2.3 */
    {SASL_XOAUTH2, "XOAUTH2", true, true, 1, xoauth2, ""},
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

const struct sasl *sasl_choose(enum sasl_mechanism wish, const char *offered)
{
    for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++) {
        const struct sasl *m = &mechanisms[i];
        bool wanted =
            wish == SASL_AUTO ? m->id == SASL_PLAIN || m->id == SASL_LOGIN : m->id == wish;
        if (wanted && has(offered, m->name))
            return m;
    }
    return NULL;
}

const char *sasl_name(enum sasl_mechanism wish)
{
    for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++)
        if (mechanisms[i].id == wish)
            return mechanisms[i].name;
    return "PLAIN or LOGIN";
}
