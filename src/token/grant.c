#include "config.h"
#include "token/grant.h"

#include <string.h>

#include "token/assertion.h"

static void add_refresh(const struct token_request *r, const char *refresh, struct str *form)
{
    webclient_add(form, "grant_type", "refresh_token");
    webclient_add(form, "refresh_token", refresh);
    if (*r->scope)
        webclient_add(form, "scope", r->scope);
}

static bool add_assertion(const struct endpoints *e, struct str *form, struct error *err)
{
    struct str assertion = {.secret = true};
    const struct assertion_facts facts = {
        .audience = str_text(&e->token), .pss = e->pss, .now = e->now()};
    bool ok = assertion_of_service(e->request, &facts, &assertion, err);
    webclient_add(form, "grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
    webclient_add(form, "assertion", str_text(&assertion));
    str_clear(&assertion);
    return ok;
}

bool grant_renew(struct endpoints *endpoints, const char *refresh, struct tokens *tokens,
                 struct error *err)
{
    const struct token_request *r = endpoints->request;
    struct str form = {.secret = true};
    bool ok = true;
    if (tokenrequest_has_person(r)) {
        add_refresh(r, refresh, &form);
    } else if (strcmp(r->grant, "service_account") == 0) {
        ok = add_assertion(endpoints, &form, err);
    } else {
        webclient_add(&form, "grant_type", "client_credentials");
        if (*r->scope)
            webclient_add(&form, "scope", r->scope);
    }
    ok = ok && endpoints_ask_tokens(endpoints, &form, NULL, tokens, err);
    if (ok && tokens->refresh.len == 0)
        str_add(&tokens->refresh, refresh);
    str_clear(&form);
    return ok;
}
