#include "config.h"
#include "token/consent.h"

#include <string.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/hex.h"
#include "token/loopback.h"
#include "token/signature.h"
#include "token/tokenfailure.h"

struct consent {
    struct endpoints *endpoints;
    FILE *out;
    struct loopback loopback;
    struct str verifier; /* a secret (RFC 7636, 4.1) */
    struct str state;
    struct str code; /* a secret */
};

/* The value of NAME in a query, decoded and appended. False if it is not there. */
static bool parameter(const char *query, const char *name, struct str *out)
{
    size_t len = strlen(name);
    while (*query && (strncmp(query, name, len) != 0 || query[len] != '=')) {
        query += strcspn(query, "&");
        query += *query == '&';
    }
    if (!*query)
        return false;
    for (query += len + 1; *query && *query != '&'; query++) {
        int high = *query == '%' ? hex_value_of_any(query[1]) : -1;
        int low = high < 0 ? -1 : hex_value_of_any(query[2]);
        str_add_char(out, low >= 0 ? (char)(high * 16 + low) : *query == '+' ? ' ' : *query);
        query += low >= 0 ? 2 : 0;
    }
    return true;
}

static bool add_request(const struct consent *a, struct str *url, struct error *err)
{
    const struct token_request *r = a->endpoints->request;
    const char *authorize = str_text(&a->endpoints->authorize);
    struct str query = {0}, challenge = {0};
    bool ok = signature_hash(&challenge, str_text(&a->verifier), err);
    webclient_add(&query, "response_type", "code");
    webclient_add(&query, "client_id", r->client);
    webclient_add(&query, "redirect_uri", str_text(&a->loopback.uri));
    if (*r->scope)
        webclient_add(&query, "scope", r->scope);
    webclient_add(&query, "state", str_text(&a->state));
    webclient_add(&query, "code_challenge", str_text(&challenge));
    webclient_add(&query, "code_challenge_method", "S256");
    webclient_add(&query, "login_hint", r->user);
    if (*r->parameters)
        str_addf(&query, "&%s", r->parameters);
    str_addf(url, "%s%s%s", authorize, strchr(authorize, '?') ? "&" : "?", str_text(&query));
    str_clear(&query);
    str_clear(&challenge);
    return ok;
}

static bool show_request(const struct consent *a, struct error *err)
{
    struct str url = {0};
    bool ok = add_request(a, &url, err);
    (void)fprintf(a->out,
                  "Open this address in a browser, log in as %s, and allow the access:\n\n%s\n\n",
                  a->endpoints->request->user, str_text(&url));
    if (a->loopback.listener >= 0)
        (void)fprintf(
            a->out,
            "A browser on another machine: run `ssh -L %d:127.0.0.1:%d THIS-MACHINE` there "
            "first,\nor paste here the address of the page that it could not open.\n",
            a->loopback.port, a->loopback.port);
    else
        (void)fprintf(a->out, "Paste here the code that it shows, or the address it ends at.\n");
    (void)fflush(a->out); /* the person waits for it */
    str_clear(&url);
    return ok;
}

/* A code that was pasted alone has no state with it: then PKCE is what binds it to this login. */
static bool is_bare(const struct consent *a, const char *query, int client)
{
    struct str ignored = {.secret = true};
    bool bare = client < 0 && a->loopback.listener < 0 && !parameter(query, "code", &ignored) &&
                !parameter(query, "error", &ignored);
    str_clear(&ignored);
    return bare;
}

/* True if QUERY is an answer to this attempt; REFUSAL gets the server's error, "" for none. */
static bool take_answer(struct consent *a, const char *query, int client,
                        struct token_reply *refusal)
{
    struct str state = {0}, issuer = {0}, raw = {0};
    if (is_bare(a, query, client)) {
        str_add(&a->code, query);
        return true;
    }
    bool ours = parameter(query, "state", &state) && state.len == a->state.len &&
                strcmp(str_text(&state), str_text(&a->state)) == 0;
    /* RFC 9207: an answer of another server */
    if (ours && a->endpoints->issuer.len > 0 && parameter(query, "iss", &issuer))
        ours = strcmp(str_text(&issuer), str_text(&a->endpoints->issuer)) == 0;
    if (ours && parameter(query, "error", &raw))
        escape_line(&refusal->error, str_text(&raw), raw.len);
    str_truncate(&raw, 0);
    if (ours && parameter(query, "error_description", &raw))
        escape_line(&refusal->description, str_text(&raw), raw.len);
    if (ours && refusal->error.len == 0)
        ours = parameter(query, "code", &a->code) && a->code.len > 0;
    str_clear(&state);
    str_clear(&issuer);
    str_clear(&raw);
    return ours;
}

/* Waits for the answer with our state; others are turned away. */
static bool wait_for_code(struct consent *a, struct error *err)
{
    int64_t deadline = clock_after(CONSENT_TIME);
    for (;;) {
        struct str query = {.secret = true};
        struct token_reply refusal = {0};
        const struct web_reply nothing = {.status = 400};
        int client = -1;
        if (!loopback_wait(&a->loopback, deadline, &query, &client, err)) {
            str_clear(&query);
            return tokenfailure_advise(a->endpoints->request, err);
        }
        bool taken = take_answer(a, str_text(&query), client, &refusal);
        bool refused = refusal.error.len > 0;
        if (refused)
            (void)tokenfailure_set(a->endpoints->request, &nothing, &refusal, 0, err);
        loopback_reply(client, taken && !refused,
                       !taken    ? "This answer belongs to another login: it was not taken."
                       : refused ? "The access was not allowed. You can close this page."
                                 : "onehop has its answer. You can close this page.");
        if (!taken)
            (void)fprintf(a->out, "An answer that belongs to another login was not taken.\n");
        (void)fflush(a->out); /* the same */
        str_clear(&query);
        tokenreply_clear(&refusal);
        if (taken)
            return !refused;
    }
}

static bool redeem(struct consent *a, struct tokens *tokens, struct error *err)
{
    struct str form = {.secret = true};
    webclient_add(&form, "grant_type", "authorization_code");
    webclient_add(&form, "code", str_text(&a->code));
    webclient_add(&form, "redirect_uri", str_text(&a->loopback.uri));
    webclient_add(&form, "code_verifier", str_text(&a->verifier));
    a->endpoints->deadline = clock_after(WEB_TIMEOUT); /* the person took the time before */
    bool ok = endpoints_ask_tokens(a->endpoints, &form, NULL, tokens, err);
    str_clear(&form);
    return ok;
}

bool consent_by_browser(struct endpoints *endpoints, FILE *out, struct tokens *tokens,
                        struct error *err)
{
    const struct token_request *r = endpoints->request;
    struct consent a = {.endpoints = endpoints,
                        .out = out,
                        .loopback = {.listener = -1},
                        .verifier = {.secret = true},
                        .code = {.secret = true}};
    if (endpoints->authorize.len == 0)
        return error_config(
            err, "oauth %s has no page for a browser: add `authorize = https://...`", r->server);
    bool ok = loopback_open(&a.loopback, r->redirect, r->answers > 0 ? (int)r->answers : -1, err) &&
              signature_random(&a.verifier, 32, err) && signature_random(&a.state, 16, err) &&
              show_request(&a, err) && wait_for_code(&a, err) && redeem(&a, tokens, err);
    loopback_close(&a.loopback);
    str_clear(&a.verifier);
    str_clear(&a.state);
    str_clear(&a.code);
    return ok;
}
