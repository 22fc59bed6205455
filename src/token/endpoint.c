#include "config.h"
#include "token/endpoint.h"

#include <string.h>
#include <strings.h>

#include "token/assertion.h"
#include "token/secretfile.h"
#include "token/tokenfailure.h"

enum {
    LIFE = 3600
}; /* seconds, where the server does not say; a refused token is renewed anyway */

/* RFC 8414, 3: the well-known part is between host and path; OpenID Connect puts it behind. */
static void add_description_url(struct str *out, const char *issuer, bool openid)
{
    size_t len = strlen(issuer), host = 8 + strcspn(issuer + 8, "/");
    if (issuer[len - 1] == '/')
        len--;
    if (host > len)
        host = len;
    if (openid) {
        str_add_n(out, issuer, len);
        str_add(out, "/.well-known/openid-configuration");
        return;
    }
    str_add_n(out, issuer, host);
    str_add(out, "/.well-known/oauth-authorization-server");
    str_add_n(out, issuer + host, len - host);
}

static bool ask(const struct endpoints *e, const struct web_request *request,
                struct endpoint_answer *answer, struct error *err)
{
    struct web_reply *http = &answer->http;
    *answer = (struct endpoint_answer){.json = {.expires_in = -1}};
    if (!webclient_send(request, http, err))
        return false;
    bool json = tokenreply_parse(str_text(&http->body), http->body.len, &answer->json);
    if (json && http->status / 100 == 2 && answer->json.error.len == 0)
        return true;
    return tokenfailure_set(e->request, http, json ? &answer->json : NULL, e->now(), err);
}

void endpoint_answer_clear(struct endpoint_answer *answer)
{
    web_reply_clear(&answer->http);
    tokenreply_clear(&answer->json);
}

static struct web_request request_to(const struct endpoints *e, const char *url,
                                     const struct str *form)
{
    return (struct web_request){
        .url = url, .form = form, .trust_file = e->request->trust_file, .deadline = e->deadline};
}

bool endpoints_ask(const struct endpoints *endpoints, const char *url, const struct str *form,
                   struct endpoint_answer *answer, struct error *err)
{
    const struct web_request request = request_to(endpoints, url, form);
    return ask(endpoints, &request, answer, err);
}

static void complete(struct str *own, const struct str *described)
{
    if (own->len == 0 && strncasecmp(str_text(described), "https://", 8) == 0)
        str_add_n(own, described->data, described->len);
}

static bool take_description(struct endpoints *e, const struct token_reply *reply,
                             struct error *err)
{
    const char *issuer = e->request->issuer;
    if (strcmp(str_text(&reply->issuer), issuer) != 0)
        return error_config(err,
                            "%s says that it is the issuer '%s': write that, if it is the one you "
                            "mean",
                            issuer, str_text(&reply->issuer));
    str_add(&e->issuer, issuer);
    complete(&e->authorize, &reply->authorization_endpoint);
    complete(&e->token, &reply->token_endpoint);
    complete(&e->device, &reply->device_endpoint);
    e->basic = !(reply->lists_auth_methods && reply->takes_post); /* RFC 8414, 2 */
    e->pss = reply->lists_algorithms && !reply->takes_rs256;
    return true;
}

static bool no_description(const struct endpoints *e, const struct endpoint_answer *answer,
                           struct error *err)
{
    return tokenfailure_set(e->request, &answer->http, &answer->json, e->now(), err);
}

static bool discover(struct endpoints *e, struct error *err)
{
    bool found = false, ok = true;
    for (int openid = 0; ok && !found && openid < 2; openid++) {
        struct str url = {0};
        struct endpoint_answer answer = {0};
        add_description_url(&url, e->request->issuer, openid);
        found = endpoints_ask(e, str_text(&url), NULL, &answer, err) &&
                (answer.json.issuer.len > 0 || no_description(e, &answer, err));
        if (found)
            ok = take_description(e, &answer.json, err);
        else /* 404, or a page for people: the other way may be known */
            ok = openid == 0 && answer.http.status > 0 && answer.http.status / 100 < 5 &&
                 answer.http.status != 429;
        endpoint_answer_clear(&answer);
        str_clear(&url);
    }
    if (found && ok)
        return true;
    bool named = strncmp(err->text, "https://", 8) == 0;
    return !named && error_prefix(err, "%s", e->request->issuer);
}

bool endpoints_find(struct endpoints *endpoints, struct error *err)
{
    const struct token_request *r = endpoints->request;
    str_add(&endpoints->authorize, r->authorize);
    str_add(&endpoints->token, r->token);
    str_add(&endpoints->device, r->device);
    bool whole = *r->token && (*r->authorize || !tokenrequest_has_person(r));
    if (*r->issuer && !whole && !discover(endpoints, err))
        return false;
    return endpoints->token.len > 0 ||
           error_config(err,
                        "oauth %s has no token endpoint: add `token = https://...` to [oauth %s]",
                        r->server, r->server);
}

void endpoints_clear(struct endpoints *endpoints)
{
    str_clear(&endpoints->issuer);
    str_clear(&endpoints->authorize);
    str_clear(&endpoints->token);
    str_clear(&endpoints->device);
}

/* Adds to FORM who the client is, and what proves it; a secret by HTTP Basic is put into USER and
 * PASSWORD. */
static bool prove(const struct endpoints *e, struct str *form, struct str *user,
                  struct str *password, struct error *err)
{
    static const char jwt[] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    const struct token_request *r = e->request;
    struct str proof = {.secret = true};
    bool by_key = *r->key_file && strcmp(r->grant, "service_account") != 0, ok = true;
    const struct assertion_facts facts = {
        .audience = str_text(&e->token), .pss = e->pss, .now = e->now()};
    if (by_key)
        ok = assertion_of_client(r, &facts, &proof, err);
    else if (*r->secret_file)
        ok = secretfile_read_line(r, r->secret_file, &proof, err);
    if (ok && !by_key && proof.len > 0 && e->basic) {
        webclient_encode(user, r->client);
        webclient_encode(password, str_text(&proof));
    } else if (ok && *r->client) {
        webclient_add(form, "client_id", r->client);
        if (by_key)
            webclient_add(form, "client_assertion_type", jwt);
        if (proof.len > 0)
            webclient_add(form, by_key ? "client_assertion" : "client_secret", str_text(&proof));
    }
    str_clear(&proof);
    return ok;
}

/* A token is printable and has no blanks (RFC 6749, appendix A.12). */
static bool is_token(const struct str *text)
{
    for (size_t i = 0; i < text->len; i++)
        if (text->data[i] <= ' ' || text->data[i] > '~')
            return false;
    return text->len > 0 && text->len <= TOKEN_MAX;
}

static bool take_tokens(const struct endpoints *e, const struct endpoint_answer *answer,
                        struct tokens *tokens, struct error *err)
{
    const struct token_request *r = e->request;
    const struct token_reply *reply = &answer->json;
    int64_t now = e->now();
    bool bearer = reply->type.len == 0 || strcasecmp(str_text(&reply->type), "bearer") == 0;
    if (!is_token(&reply->access) || !bearer ||
        (reply->refresh.len > 0 && !is_token(&reply->refresh))) {
        (void)tokenfailure_set(r, &answer->http, reply, now, err);
        return !bearer && error_add(err, "; ", "its token_type is '%.40s'", str_text(&reply->type));
    }
    tokens->access.secret = tokens->refresh.secret = true;
    str_add_n(&tokens->access, reply->access.data, reply->access.len);
    str_add_n(&tokens->refresh, str_text(&reply->refresh), reply->refresh.len);
    bool says_scope = reply->scope.len > 0 && reply->scope.len <= TOKEN_MAX; /* a file's line */
    str_add(&tokens->scope, says_scope ? str_text(&reply->scope) : r->scope);
    str_add(&tokens->login, r->login);
    tokens->obtained = now;
    int64_t life = reply->expires_in < 0 ? LIFE : reply->expires_in;
    tokens->expires = now + (life < INT32_MAX ? life : INT32_MAX);
    return true;
}

bool endpoints_ask_tokens(const struct endpoints *endpoints, struct str *form, struct str *code,
                          struct tokens *tokens, struct error *err)
{
    struct str user = {0}, password = {.secret = true};
    struct endpoint_answer answer = {0};
    *tokens = (struct tokens){0};
    bool ok = prove(endpoints, form, &user, &password, err);
    struct web_request request = request_to(endpoints, str_text(&endpoints->token), form);
    if (user.len > 0) {
        request.user = &user;
        request.password = &password;
    }
    ok = ok && ask(endpoints, &request, &answer, err) &&
         take_tokens(endpoints, &answer, tokens, err);
    if (code)
        str_add(code, str_text(&answer.json.error));
    endpoint_answer_clear(&answer);
    str_clear(&user);
    str_clear(&password);
    return ok;
}
