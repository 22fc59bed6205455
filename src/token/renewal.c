#include "config.h"
#include "token/renewal.h"

#include <signal.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "base/clock.h"
#include "config/tokenfile.h"
#include "token/consent.h"
#include "token/endpoint.h"
#include "token/grant.h"
#include "token/secretfile.h"
#include "token/tokenfailure.h"
#include "token/tokenstore.h"

enum { LOCK_TIME = 60000 }; /* milliseconds that a login waits for a renewal to end */

static struct endpoints endpoints_of(const struct token_request *request)
{
    return (struct endpoints){.request = request, .deadline = request->deadline, .now = clock_wall};
}

/* The first refresh token may come with the unit or the container. */
static bool read_seed(const struct token_request *request, struct tokens *kept, struct error *err)
{
    struct str text = {.secret = true};
    struct error missing;
    if (!*request->seed_file || !secretfile_read(request, request->seed_file, &text, &missing)) {
        str_clear(&text);
        return true;
    }
    bool ok = true;
    if (!tokenfile_parse(str_text(&text), text.len, kept)) { /* the token alone */
        kept->refresh.secret = true;
        str_add_n(&kept->refresh, text.data, strcspn(text.data, "\r\n"));
        str_add(&kept->login, request->login);
        ok = kept->refresh.len > 0 || error_config(err, "%s: is empty", request->seed_file);
    }
    str_clear(&text);
    return ok;
}

/* What is kept of this login; nothing, where it is another one's. */
static bool read_kept(const struct token_request *request, struct tokens *kept, struct error *err)
{
    bool found = false;
    if (*request->file && !tokenfile_read(request->file, kept, &found, err))
        return false;
    if (!found && !read_seed(request, kept, err))
        return false;
    bool person = tokenrequest_has_person(request);
    bool other = kept->login.len > 0 && strcmp(str_text(&kept->login), request->login) != 0;
    if (other)
        tokens_clear(kept);
    if (!person || kept->refresh.len > 0 || kept->access.len > 0)
        return true;
    (void)error_set(err, ERROR_ACCOUNT, ERROR_PERMANENT, EX_NOPERM, "%s",
                    other ? "the login that is kept was made for other settings"
                          : "nobody has logged in yet");
    return tokenfailure_advise(request, err);
}

static bool is_usable(const struct token_request *request, const struct tokens *kept)
{
    return tokens_are_fresh(kept, clock_wall()) &&
           !(request->refused.len > 0 &&
             strcmp(str_text(&request->refused), str_text(&kept->access)) == 0);
}

/* A server that rotates refresh tokens has taken the old one when it answers: what ends this
 * process politely (a stop of the service, of the machine) waits until the new one is kept. */
static bool ask_whole(struct endpoints *endpoints, struct tokenstore *store,
                      const struct tokens *kept, struct tokens *fresh, struct error *err)
{
    sigset_t polite, before;
    (void)sigemptyset(&polite);
    (void)sigaddset(&polite, SIGTERM);
    (void)sigaddset(&polite, SIGINT);
    (void)sigaddset(&polite, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &polite, &before); /* cannot fail: the set is one */
    bool ok = grant_renew(endpoints, str_text(&kept->refresh), fresh, err);
    fresh->person = kept->person;
    ok = ok && (!store || tokenstore_commit(store, fresh, err));
    (void)sigprocmask(SIG_SETMASK, &before, NULL); /* the same */
    return ok;
}

/* Asks the server. STORE is NULL where nothing can be kept. */
static bool renew(const struct token_request *request, struct tokenstore *store,
                  const struct tokens *kept, struct tokens *fresh, struct error *err)
{
    struct endpoints endpoints = endpoints_of(request);
    bool ok = (!store || tokenstore_reserve(store, err)) && endpoints_find(&endpoints, err) &&
              ask_whole(&endpoints, store, kept, fresh, err);
    endpoints_clear(&endpoints);
    return ok;
}

static bool find(const struct token_request *request, struct tokenstore *store, struct str *out,
                 struct error *err)
{
    struct tokens kept = {0}, fresh = {0};
    bool person = tokenrequest_has_person(request);
    bool ok = read_kept(request, &kept, err);
    if (ok && is_usable(request, &kept)) {
        str_add_n(out, kept.access.data, kept.access.len);
    } else if (ok && person && kept.refresh.len == 0) {
        (void)error_set(err, ERROR_ACCOUNT, ERROR_PERMANENT, EX_NOPERM,
                        "the login has ended, and the server gave nothing to renew it with");
        ok = tokenfailure_advise(request, err);
    } else if (ok) {
        ok = renew(request, store, &kept, &fresh, err);
        if (ok)
            str_add_n(out, fresh.access.data, fresh.access.len);
    }
    tokens_clear(&kept);
    tokens_clear(&fresh);
    return ok;
}

bool renewal_token(const struct token_request *request, struct str *out, struct error *err)
{
    struct tokenstore store = {.directory = -1, .lock = -1, .file = -1};
    bool kept = *request->file && tokenstore_open(&store, request->file, err) &&
                tokenstore_lock(&store, request->deadline, err);
    bool ok = kept || !tokenrequest_has_person(request);
    if (!*request->file && !ok)
        (void)error_config(err, "there is no directory to keep the login in: set $HOME");
    ok = ok && find(request, kept ? &store : NULL, out, err);
    tokenstore_close(&store);
    return ok;
}

/* True if each word of ASKED is in GRANTED; offline_access is about the refresh token. */
static bool has_all(const char *granted, const char *asked, struct str *missing)
{
    while (*asked) {
        size_t len = strcspn(asked, " ");
        bool found = len == 0 || (len == 14 && strncmp(asked, "offline_access", len) == 0);
        for (const char *at = granted; !found && *at; at += strspn(at, " ")) {
            size_t n = strcspn(at, " ");
            found = n == len && strncmp(at, asked, len) == 0;
            at += n;
        }
        if (!found) {
            str_add(missing, missing->len > 0 ? " " : "");
            str_add_n(missing, asked, len);
        }
        asked += len + (asked[len] == ' ');
    }
    return missing->len == 0;
}

static void show(const struct token_request *request, const struct tokens *tokens, FILE *out)
{
    struct str missing = {0};
    char until[64] = "an unknown time";
    time_t expires = (time_t)tokens->expires;
    struct tm parts;
    if (tokens->expires > tokens->obtained && localtime_r(&expires, &parts))
        (void)strftime(until, sizeof until, "%Y-%m-%d %H:%M:%S %z", &parts);
    (void)fprintf(out, "logged in: %s at %s\n", request->user, request->server);
    (void)fprintf(out, "granted:   %s\n",
                  tokens->scope.len > 0 ? str_text(&tokens->scope) : "(the server does not say)");
    if (!has_all(str_text(&tokens->scope), request->scope, &missing))
        (void)fprintf(out, "missing:   %s\n", str_text(&missing));
    (void)fprintf(out, "until:     %s%s\n", until,
                  !tokenrequest_has_person(request) || tokens->refresh.len > 0
                      ? ", renewed automatically"
                      : "; the server gave nothing to renew it with, so log in again then");
    str_clear(&missing);
}

/* With NULL for TOKENS this only tries whether there is room for some. */
static bool keep(const struct token_request *request, const struct tokens *tokens,
                 struct error *err)
{
    struct tokenstore store;
    if (!*request->file)
        return error_config(err, "there is no directory to keep the login in: set $HOME");
    bool ok = tokenstore_open(&store, request->file, err) &&
              tokenstore_lock(&store, clock_after(LOCK_TIME), err) &&
              tokenstore_reserve(&store, err) &&
              (!tokens || tokenstore_commit(&store, tokens, err));
    tokenstore_close(&store);
    return ok;
}

bool renewal_login(const struct token_request *request, FILE *out, struct error *err)
{
    struct endpoints endpoints = endpoints_of(request);
    struct tokens tokens = {0};
    bool person = tokenrequest_has_person(request);
    bool ok = keep(request, NULL, err) && endpoints_find(&endpoints, err); /* room comes first */
    if (ok && !person)
        ok = grant_renew(&endpoints, "", &tokens, err);
    else if (ok && strcmp(request->mode, "device") == 0)
        ok = consent_by_device(&endpoints, out, &tokens, err);
    else if (ok)
        ok = consent_by_browser(&endpoints, out, &tokens, err);
    tokens.person = ok && person ? tokens.obtained : 0;
    ok = ok && keep(request, &tokens, err);
    if (ok)
        show(request, &tokens, out);
    endpoints_clear(&endpoints);
    tokens_clear(&tokens);
    return ok;
}
