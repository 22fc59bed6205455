#include "config.h"
#include "smtp/exchange.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/base64.h"
#include "base/dlopennote.h"
#include "base/memory.h"
#include "base/module.h"

#ifdef HAVE_GSASL

#include <dlfcn.h>
#include <gsasl.h>

/* The library's functions, found when a login needs them: it brings four other libraries with it,
 * and most logins are PLAIN over TLS. */
struct gsasl {
    __typeof__(gsasl_init) *init;
    __typeof__(gsasl_done) *done;
    __typeof__(gsasl_client_support_p) *client_support_p;
    __typeof__(gsasl_client_start) *client_start;
    __typeof__(gsasl_property_set) *property_set;
    __typeof__(gsasl_property_fast) *property_fast;
    __typeof__(gsasl_step) *step;
    __typeof__(gsasl_finish) *finish;
    __typeof__(gsasl_free) *free;
    __typeof__(gsasl_strerror) *strerror;
};

struct exchange {
    struct gsasl gsasl;
    Gsasl *library;
    Gsasl_session *session;
    const struct str *password;
    bool scram, sha256;
    bool gave_password; /* to the library, or what it needs of it */
    bool done;
};

DLOPEN_NOTE("[{\"feature\":\"sasl\",\"description\":\"SCRAM, CRAM-MD5, GSSAPI\","
            "\"priority\":\"recommended\",\"soname\":[\"" GSASL_SONAME "\"]}]");

static bool find(void *handle, const char *name, void *function)
{
    void *address = dlsym(handle, name);
    memcpy(function, &address, sizeof address); /* as POSIX wants it: no cast is portable */
    return address != NULL;
}

/* The library stays loaded until the process ends. */
static bool load(struct gsasl *g)
{
    static const char soname[] = GSASL_SONAME;
    void *handle = dlopen(soname, RTLD_NOW | RTLD_LOCAL);
    return handle && find(handle, "gsasl_init", &g->init) && find(handle, "gsasl_done", &g->done) &&
           find(handle, "gsasl_client_support_p", &g->client_support_p) &&
           find(handle, "gsasl_client_start", &g->client_start) &&
           find(handle, "gsasl_property_set", &g->property_set) &&
           find(handle, "gsasl_property_fast", &g->property_fast) &&
           find(handle, "gsasl_step", &g->step) && find(handle, "gsasl_finish", &g->finish) &&
           find(handle, "gsasl_free", &g->free) && find(handle, "gsasl_strerror", &g->strerror);
}

bool exchange_knows(const char *name)
{
    struct gsasl g;
    Gsasl *library = NULL;
    if (!load(&g) || g.init(&library) != GSASL_OK)
        return false;
    bool known = g.client_support_p(library, name) != 0;
    g.done(library);
    return known;
}

static bool failed(const struct exchange *x, struct error *err, int code, int status)
{
    if (status == GSASL_GSSAPI_INIT_SEC_CONTEXT_ERROR)
        return error_set(err, ERROR_ACCOUNT, ERROR_PERMANENT, code,
                         "no Kerberos ticket for this server: type `klist` to see which there "
                         "are, `kinit` to get one");
    return error_set(err, ERROR_ACCOUNT, ERROR_PERMANENT, code, "GNU SASL: %s",
                     x->gsasl.strerror(status));
}

static void set(struct exchange *x, Gsasl_property property, const char *value)
{
    if (value && *value)
        (void)x->gsasl.property_set(x->session, property,
                                    value); /* fails for lack of memory only */
}

struct exchange *exchange_begin(const char *name, const struct sasl_login *login,
                                const struct binding *binding, struct error *err)
{
    struct exchange *x = memory_new(sizeof *x);
    if (!load(&x->gsasl)) {
        (void)error_set(err, ERROR_ACCOUNT, ERROR_PERMANENT, EX_UNAVAILABLE,
                        "the login method %s needs GNU SASL, which is not installed", name);
        free(x);
        return NULL;
    }
    int status = x->gsasl.init(&x->library);
    if (status == GSASL_OK)
        status = x->gsasl.client_start(x->library, name, &x->session);
    if (status != GSASL_OK) {
        (void)failed(x, err, EX_UNAVAILABLE, status);
        exchange_end(x);
        return NULL;
    }
    struct str coded = {0};
    x->password = login->password;
    x->scram = strncmp(name, "SCRAM-", 6) == 0;
    x->sha256 = strncmp(name, "SCRAM-SHA-256", 13) == 0;
    set(x, GSASL_AUTHID, login->user);
    if (!x->scram)
        set(x, GSASL_PASSWORD, str_text(login->password));
    set(x, GSASL_SERVICE, "smtp");
    set(x, GSASL_HOSTNAME, login->host);
    set(x, GSASL_REALM, login->realm);
    if (binding->data.len > 0) {
        base64_encode(&coded, binding->data.data, binding->data.len);
        set(x, binding->kind == BINDING_EXPORTER ? GSASL_CB_TLS_EXPORTER : GSASL_CB_TLS_UNIQUE,
            str_text(&coded));
    }
    str_clear(&coded);
    return x;
}

static bool is_printable_ascii(const struct str *s)
{
    size_t i = 0;
    while (i < s->len && s->data[i] >= ' ' && s->data[i] <= '~')
        i++;
    return i == s->len;
}

/* The salted password of what the server sent first, "r=...,s=SALT,i=4096". */
static bool salt_password(const struct exchange *x, const char *first, unsigned long iterations,
                          struct str *salted)
{
    struct str salt = {0};
    struct error ignored;
    const char *coded = strstr(first, ",s=");
    const struct module *module =
        coded && base64_decode(&salt, coded + 3, strcspn(coded + 3, ",")) && salt.len > 0
            ? module_get(&ignored)
            : NULL;
    const struct password_salting how = {x->sha256, x->password, &salt, (unsigned)iterations};
    bool ok = module && module->salt_password(&how, salted);
    str_clear(&salt);
    return ok;
}

/* Gives the library the salted password. The password itself it would prepare (SASLprep, RFC 4013)
 * in memory that it does not wipe, so it gets that only where preparing may change something. */
static void give_password(struct exchange *x, const char *first, unsigned long iterations)
{
    struct str salted = {.secret = true}, hex = {.secret = true};
    if (iterations > 0 && is_printable_ascii(x->password) &&
        salt_password(x, first, iterations, &salted)) {
        for (size_t i = 0; i < salted.len; i++)
            str_addf(&hex, "%02x", (unsigned char)salted.data[i]);
        set(x, GSASL_SCRAM_SALTED_PASSWORD, str_text(&hex));
    } else {
        set(x, GSASL_PASSWORD, str_text(x->password));
    }
    x->gave_password = true;
    str_clear(&salted);
    str_clear(&hex);
}

/* How often SCRAM hashes is the server's choice (RFC 5802, 5.1), up to hours of it. */
static bool prepare(struct exchange *x, const char *first, struct error *err)
{
    enum { ITERATIONS_MAX = 1000 * 1000 };
    const char *count = strstr(first, ",i=");
    unsigned long iterations = count ? strtoul(count + 3, NULL, 10) : 0;
    if (iterations > ITERATIONS_MAX)
        return error_set(err, ERROR_ACCOUNT, ERROR_PERMANENT, EX_SOFTWARE,
                         "the server wants the password to be hashed too often");
    if (!x->gave_password)
        give_password(x, first, iterations);
    return true;
}

/* CHALLENGE is decoded here, since GNU SASL reads an empty one to the NUL behind it, and its own
 * decoder puts none there. */
bool exchange_step(struct exchange *x, const char *challenge, struct str *out, struct error *err)
{
    struct str plain = {.secret = true};
    char *answer = NULL;
    size_t len = 0;
    if (challenge && !base64_decode(&plain, challenge, strlen(challenge))) {
        str_clear(&plain);
        return failed(x, err, EX_SOFTWARE, GSASL_BASE64_ERROR);
    }
    if (x->scram && challenge && !prepare(x, str_text(&plain), err)) {
        str_clear(&plain);
        return false;
    }
    int status =
        x->gsasl.step(x->session, challenge ? str_text(&plain) : NULL, plain.len, &answer, &len);
    x->done = status == GSASL_OK;
    if (answer) {
        base64_encode(out, answer, len);
        explicit_bzero(answer, len);
    }
    x->gsasl.free(answer);
    str_clear(&plain);
    return status == GSASL_OK || status == GSASL_NEEDS_MORE || failed(x, err, EX_SOFTWARE, status);
}

bool exchange_is_done(const struct exchange *x)
{
    return x->done;
}

/* The library's own copies, which it frees unwiped. They are its heap's, and nothing but
 * gsasl_finish() follows, so that writing to them harms nobody. What SASLprep makes in a step of a
 * password that the library was given is gone by then, and stays in freed memory. */
static void wipe_copies(struct exchange *x)
{
    static const Gsasl_property secrets[] = {GSASL_PASSWORD, GSASL_SCRAM_SALTED_PASSWORD};
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
        const char *text = x->gsasl.property_fast(x->session, secrets[i]);
        char *copy;
        memcpy(&copy, &text, sizeof copy); /* without const */
        if (copy)
            explicit_bzero(copy, strlen(copy));
    }
}

void exchange_end(struct exchange *x)
{
    if (!x)
        return;
    if (x->session) {
        wipe_copies(x);
        x->gsasl.finish(x->session);
    }
    if (x->library)
        x->gsasl.done(x->library);
    free(x);
}

#else

bool exchange_knows(const char *name)
{
    (void)name;
    return false;
}

struct exchange *exchange_begin(const char *name, const struct sasl_login *login,
                                const struct binding *binding, struct error *err)
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
