/* consent_by_device() (RFC 8628). */
#include "config.h"
#include "token/consent.h"

#include <poll.h>
#include <string.h>
#include <sysexits.h>

#include "base/clock.h"
#include "token/tokenfailure.h"

enum { INTERVAL = 5, INTERVAL_MAX = 60 }; /* seconds between two questions (RFC 8628, 3.5) */

static bool begin(struct endpoints *e, struct endpoint_answer *answer, struct error *err)
{
    const struct token_request *r = e->request;
    const struct token_reply *code = &answer->json;
    struct str form = {0};
    webclient_add(&form, "client_id", r->client);
    if (*r->scope)
        webclient_add(&form, "scope", r->scope);
    bool ok = endpoints_ask(e, str_text(&e->device), &form, answer, err);
    if (ok &&
        (code->device_code.len == 0 || code->user_code.len == 0 || code->verification_uri.len == 0))
        ok = tokenfailure_set(r, &answer->http, code, e->now(), err);
    str_clear(&form);
    return ok;
}

static void show(FILE *out, const struct token_request *r, const struct token_reply *code)
{
    (void)fprintf(
        out, "Open this address on any device, log in as %s, and enter the code:\n\n%s\n%s\n\n",
        r->user, str_text(&code->verification_uri), str_text(&code->user_code));
    (void)fflush(out); /* the person waits for it */
}

enum answer { GRANTED, PENDING, FAILED };

static enum answer ask(struct endpoints *e, const struct token_reply *code, int64_t *interval,
                       struct tokens *tokens, struct error *err)
{
    struct str form = {.secret = true};
    struct str said = {0};
    const char *grant = e->request->device_grant;
    webclient_add(&form, "grant_type",
                  *grant ? grant : "urn:ietf:params:oauth:grant-type:device_code");
    webclient_add(&form, *grant ? "code" : "device_code", str_text(&code->device_code));
    e->deadline = clock_after(WEB_TIMEOUT);
    enum answer result = endpoints_ask_tokens(e, &form, &said, tokens, err) ? GRANTED : FAILED;
    bool slow = strcmp(str_text(&said), "slow_down") == 0;
    if (result == FAILED && (slow || strcmp(str_text(&said), "authorization_pending") == 0))
        result = PENDING;
    if (slow && *interval < INTERVAL_MAX)
        *interval += INTERVAL;
    /* RFC 8628, 3.5: a network that fails is asked again, less often */
    if (result == FAILED && err->class == ERROR_TEMPORARY && *interval < INTERVAL_MAX) {
        *interval *= 2;
        result = PENDING;
    }
    str_clear(&form);
    str_clear(&said);
    return result;
}

bool consent_by_device(struct endpoints *endpoints, FILE *out, struct tokens *tokens,
                       struct error *err)
{
    const struct token_request *r = endpoints->request;
    struct endpoint_answer answer = {0};
    const struct token_reply *code = &answer.json;
    if (endpoints->device.len == 0)
        return error_config(err,
                            "%s has no login on another device for mail: run `onehopctl login %s`, "
                            "which works through ssh as well",
                            r->server, r->account);
    if (!begin(endpoints, &answer, err)) {
        endpoint_answer_clear(&answer);
        return false;
    }
    show(out, r, code);
    int64_t life = code->expires_in > 0 ? code->expires_in * 1000 : CONSENT_TIME;
    int64_t end = clock_after(life < CONSENT_TIME ? life : CONSENT_TIME);
    int64_t interval = code->interval > 0 ? code->interval : code->interval == 0 ? 1 : INTERVAL;
    enum answer result = PENDING;
    while (result == PENDING && clock_now() < end) {
        (void)poll(NULL, 0, (int)(interval < INTERVAL_MAX ? interval : INTERVAL_MAX) * 1000);
        result = ask(endpoints, code, &interval, tokens, err);
    }
    endpoint_answer_clear(&answer);
    if (result == PENDING) {
        (void)error_set(err, ERROR_ACCOUNT, ERROR_PERMANENT, EX_NOPERM,
                        "nobody has entered the code in time");
        (void)tokenfailure_advise(r, err);
    }
    return result == GRANTED;
}
