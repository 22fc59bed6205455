#include "config.h"
#include "config/tokensource.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/process.h"
#include "config/oauth_service.h"
#include "config/tokenfile.h"

static void add(struct str *out, const char *key, const char *value)
{
    if (*value)
        str_addf(out, "%s %s\n", key, value);
}

static void add_url(struct str *out, const char *key, const char *url, const char *tenant)
{
    static const char mark[] = "{tenant}";
    if (!*url)
        return;
    str_addf(out, "%s ", key);
    for (const char *at; (at = strstr(url, mark)); url = at + strlen(mark)) {
        str_add_n(out, url, (size_t)(at - url));
        str_add(out, tenant);
    }
    str_addf(out, "%s\n", url);
}

static void add_file(struct str *out, const char *key, const char *name,
                     const struct caller *caller)
{
    struct str path = {0};
    caller_secret_path(&path, caller, name);
    add(out, key, str_text(&path));
    str_clear(&path);
}

static void add_service(struct str *out, const struct account *a)
{
    const struct oauth_service *service = a->oauth_service;
    const char *tenant = oauth_service_tenant(a);
    add(out, "server", service->name);
    add(out, "scope", oauth_service_scope(a));
    add_url(out, "issuer", service->issuer, tenant);
    add_url(out, "authorize", service->authorize, tenant);
    add_url(out, "token", service->token, tenant);
    add_url(out, "device", service->device, tenant);
    add(out, "device-grant", service->device_grant);
    add(out, "redirect", service->redirect);
    add(out, "parameters", service->parameters);
    if (strcmp(service->trust_file, "system") != 0)
        add(out, "trust-file", service->trust_file);
}

void tokensource_request(struct str *out, const struct account *account,
                         const struct password_sources *sources, const char *mode)
{
    const struct caller *caller = &sources->site->caller;
    const char *credentials = caller->credentials;
    struct str text = {0};
    add(out, "mode", mode);
    add(out, "account", account->name);
    add(out, "user", account->user);
    add(out, "grant", oauth_service_grant(account));
    add(out, "client", account->oauth_client_id);
    add_file(out, "secret-file", account->oauth_client_secret_file, caller);
    add_file(out, "key-file", account->oauth_key_file, caller);
    add_file(out, "cert-file", account->oauth_cert_file, caller);
    add(out, "service-account", account->oauth_service_account);
    add_service(out, account);
    tokenfile_login(&text, account);
    add(out, "login", str_text(&text));
    str_truncate(&text, 0);
    if (tokenfile_path(&text, account, sources->site))
        add(out, "file", str_text(&text));
    add(out, "credentials", credentials);
    if (*credentials)
        str_addf(out, "seed-file %s/%s.token\n", credentials, account->name);
    str_clear(&text);
}

bool tokensource_program(const struct paths *paths, struct error *err)
{
    if (access(paths->token_program, X_OK) == 0)
        return true;
    return error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_OSFILE,
                     "oauth needs %s, which is not there: install the package onehop-oauth2",
                     paths->token_program);
}

/* The token that is kept, if it is this login's, lives, and was not refused. */
static bool find_kept(const struct account *account, const struct password_sources *sources,
                      struct str *out, struct error *err)
{
    struct tokens tokens;
    enum tokenfile_found whose;
    bool ok = tokenfile_find(account, sources->site, &tokens, &whose, err);
    if (ok && whose == TOKENFILE_OWN && tokens_are_fresh(&tokens, clock_wall()) &&
        !(sources->refused && strcmp(sources->refused, str_text(&tokens.access)) == 0))
        str_add_n(out, str_text(&tokens.access), tokens.access.len);
    tokens_clear(&tokens);
    return ok;
}

bool tokensource_has_seed(const struct account *account, const struct caller *caller)
{
    struct str seed = {0};
    str_addf(&seed, "%s/%s.token", caller->credentials, account->name);
    bool readable = *caller->credentials && access(str_text(&seed), R_OK) == 0;
    str_clear(&seed);
    return readable;
}

bool tokensource_is_readable(const struct account *account, const struct site *site)
{
    struct str file = {0};
    bool has_file = tokenfile_path(&file, account, site);
    bool readable =
        (account->oauth_grant != OAUTH_PERSON || (has_file && access(str_text(&file), R_OK) == 0) ||
         tokensource_has_seed(account, &site->caller)) &&
        caller_can_read(&site->caller, account->oauth_client_secret_file) &&
        caller_can_read(&site->caller, account->oauth_key_file);
    str_clear(&file);
    return readable;
}

/* What the program prints of a failure: KIND SECONDS TEXT. */
static bool failed(const char *line, struct error *err)
{
    static const struct {
        const char *kind;
        enum error_class class;
        int code;
        enum error_command command;
    } kinds[] = {
        {"temporary ", ERROR_TEMPORARY, EX_TEMPFAIL, COMMAND_TOKEN},
        {"login ", ERROR_PERMANENT, EX_NOPERM, COMMAND_NONE},
        {"configuration ", ERROR_PERMANENT, EX_CONFIG, COMMAND_NONE},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t len = strlen(kinds[i].kind);
        if (strncmp(line, kinds[i].kind, len) != 0)
            continue;
        char *text;
        long wait = strtol(line + len, &text, 10);
        (void)error_set(err, ERROR_ACCOUNT, kinds[i].class, kinds[i].code, "%s",
                        text + (*text == ' '));
        err->command = kinds[i].command;
        err->wait = wait > 0 ? wait : 0;
        return false;
    }
    return error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL,
                     "onehop-token: an answer that nobody understands");
}

static bool read_answer(struct str *answer, struct str *out, struct error *err)
{
    size_t len = strcspn(str_text(answer), "\n");
    if (len == answer->len) /* cut */
        len = 0;
    str_truncate(answer, len);
    if (strncmp(str_text(answer), "token ", 6) != 0 || len == 6)
        return failed(str_text(answer), err);
    str_add_n(out, answer->data + 6, len - 6);
    return true;
}

static bool run(const struct account *account, const struct password_sources *sources,
                struct str *out, struct error *err)
{
    struct str request = {.secret = true}, answer = {.secret = true};
    if (!tokensource_program(sources->site->paths, err))
        return false;
    tokensource_request(&request, account, sources, "token");
    if (sources->deadline != CLOCK_NEVER) /* it ends before it is ended, and says why */
        str_addf(&request, "timeout %lld\n", (long long)(sources->deadline - clock_now()) * 9 / 10);
    if (sources->refused)
        add(&request, "refused", sources->refused);
    str_add(&request, "end\n");
    const struct process process = {.program = sources->site->paths->token_program,
                                    .input = &request,
                                    .deadline = sources->deadline,
                                    .limit = TOKENSOURCE_ANSWER_MAX};
    int status = 0;
    bool ok = process_run(&process, &answer, &status, err);
    if (!ok)
        err->command = COMMAND_TOKEN;
    ok = ok && read_answer(&answer, out, err);
    str_clear(&request);
    str_clear(&answer);
    return ok;
}

bool tokensource_find(const struct account *account, const struct password_sources *sources,
                      struct str *out, struct error *err)
{
    if (!find_kept(account, sources, out, err))
        return false;
    return out->len > 0 || run(account, sources, out, err);
}
