#include "config.h"
#include "smtp/exchange.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/base64.h"
#include "base/memory.h"

#ifdef HAVE_GSASL

#include <gsasl.h>

struct exchange {
    Gsasl *library;
    Gsasl_session *session;
    bool done;
};

bool exchange_knows(const char *name)
{
    Gsasl *library = NULL;
    if (gsasl_init(&library) != GSASL_OK)
        return false;
    bool known = gsasl_client_support_p(library, name) != 0;
    gsasl_done(library);
    return known;
}

static bool failed(struct error *err, int code, int status)
{
    return error_set(err, ERROR_ACCOUNT, ERROR_PERMANENT, code, "GNU SASL: %s",
                     gsasl_strerror(status));
}

static void set(struct exchange *x, Gsasl_property property, const char *value)
{
    if (value && *value)
        (void)gsasl_property_set(x->session, property, value); /* fails for lack of memory only */
}

struct exchange *exchange_begin(const char *name, const struct session_login *login,
                                const struct str *binding, struct error *err)
{
    struct exchange *x = memory_new(sizeof *x);
    int status = gsasl_init(&x->library);
    if (status == GSASL_OK)
        status = gsasl_client_start(x->library, name, &x->session);
    if (status != GSASL_OK) {
        (void)failed(err, EX_UNAVAILABLE, status);
        exchange_end(x);
        return NULL;
    }
    struct str coded = {0};
    set(x, GSASL_AUTHID, login->user);
    set(x, GSASL_PASSWORD, str_text(login->password));
    set(x, GSASL_SERVICE, "smtp");
    set(x, GSASL_HOSTNAME, login->host);
    set(x, GSASL_REALM, login->realm);
    if (binding->len) {
        base64_encode(&coded, binding->data, binding->len);
        set(x, GSASL_CB_TLS_EXPORTER, str_text(&coded));
    }
    str_clear(&coded);
    return x;
}

bool exchange_step(struct exchange *x, const char *challenge, struct str *out, struct error *err)
{
    char *answer = NULL;
    int status = gsasl_step64(x->session, *challenge ? challenge : NULL, &answer);
    x->done = status == GSASL_OK;
    if (answer) {
        str_add(out, answer);
        explicit_bzero(answer, strlen(answer));
    }
    gsasl_free(answer);
    return status == GSASL_OK || status == GSASL_NEEDS_MORE || failed(err, EX_SOFTWARE, status);
}

bool exchange_is_done(const struct exchange *x)
{
    return x->done;
}

void exchange_end(struct exchange *x)
{
    if (!x)
        return;
    if (x->session)
        gsasl_finish(x->session);
    if (x->library)
        gsasl_done(x->library);
    free(x);
}

#else

bool exchange_knows(const char *name)
{
    (void)name;
    return false;
}

struct exchange *exchange_begin(const char *name, const struct session_login *login,
                                const struct str *binding, struct error *err)
{
    (void)login, (void)binding;
    (void)error_set(err, ERROR_ACCOUNT, ERROR_PERMANENT, EX_UNAVAILABLE,
                    "the login method %s is not built in: it needs GNU SASL", name);
    return NULL;
}

bool exchange_step(struct exchange *x, const char *challenge, struct str *out, struct error *err)
{
    (void)x, (void)challenge, (void)out;
    return error_set(err, ERROR_ACCOUNT, ERROR_PERMANENT, EX_SOFTWARE, "GNU SASL is not built in");
}

bool exchange_is_done(const struct exchange *x)
{
    (void)x;
    return false;
}

void exchange_end(struct exchange *x)
{
    (void)x;
}

#endif
