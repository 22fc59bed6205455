#include "config.h"
#include "token/tokenfailure.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { SKEW = 120 }; /* seconds that a clock may be wrong */

enum meaning {
    PERSON,  /* consents again */
    CLIENT,  /* the registration, its secret or its key */
    SETTING, /* what is asked for */
    LATER,
};

static const struct row {
    const char *code;
    enum meaning meaning;
    const char *text;
} rows[] = {
    /* RFC 6749, 5.2 and 4.1.2.1 */
    {"invalid_grant", PERSON, "the login has ended"},
    {"access_denied", PERSON, "the access was not allowed"},
    {"invalid_client", CLIENT, "the client id, its secret or its key is not accepted"},
    {"unauthorized_client", CLIENT, "the registration may not log in this way"},
    {"invalid_scope", SETTING, "the scope is refused"},
    {"invalid_request", SETTING, "the request is refused"},
    {"unsupported_grant_type", SETTING, "the server has no such grant"},
    {"server_error", LATER, "the server has an error"},
    {"temporarily_unavailable", LATER, "the server is not available now"},
    {"slow_down", LATER, "the server is asked too often"},
    /* OpenID Connect Core, 3.1.2.6; Microsoft says them at the token endpoint, too */
    {"interaction_required", PERSON, "a person must log in again"},
    {"login_required", PERSON, "a person must log in again"},
    {"consent_required", PERSON, "a person must consent again"},
    {"account_selection_required", PERSON, "a person must log in again"},
    /* RFC 8628, 3.5 */
    {"expired_token", PERSON, "nobody has entered the code in time"},
};

static const struct row *find(const char *code)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].code, code) == 0)
            return &rows[i];
    return NULL;
}

bool tokenfailure_advise(const struct token_request *request, struct error *err)
{
    if (tokenrequest_has_person(request))
        return error_add(err, ": ", "run `onehopctl login %s`", request->account);
    return error_add(err, ": ", "mend it, then run `onehopctl check %s`", request->account);
}

/* A server says of an assertion from a wrong clock only that it is not valid. */
static void blame_clock(const struct web_reply *answer, int64_t now, struct error *err)
{
    int64_t ahead = answer->date > 0 ? now - answer->date : 0;
    if (llabs(ahead) > SKEW)
        error_add(err, "; ", "this machine's clock is %lld minutes %s the server's",
                  (long long)(llabs(ahead) / 60), ahead > 0 ? "ahead of" : "behind");
}

static bool refuse_later(const struct web_reply *answer, const char *what, struct error *err)
{
    (void)error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL, "%s", what);
    err->wait = answer->retry_after;
    return false;
}

static bool no_use(const struct token_request *request, const struct web_reply *answer,
                   const struct token_reply *reply, struct error *err)
{
    (void)refuse_later(answer, request->server, err);
    return error_add(err, ": ", "answer %ld %s", answer->status,
                     reply                       ? "with JSON that lacks what was asked for"
                     : answer->status / 100 != 2 ? "without saying why in JSON"
                     : answer->is_json           ? "with JSON that is broken"
                                                 : "with something other than JSON");
}

bool tokenfailure_set(const struct token_request *request, const struct web_reply *answer,
                      const struct token_reply *reply, int64_t now, struct error *err)
{
    if (!reply || (reply->error.len == 0 && answer->status / 100 == 2))
        return no_use(request, answer, reply, err);
    const char *code = str_text(&reply->error);
    const struct row *row = find(code);
    bool busy = answer->status == 429 || answer->status / 100 == 5;
    if (busy || (row && row->meaning == LATER)) {
        (void)refuse_later(answer, request->server, err);
        error_add(err, ": ", "%s (%ld %s)", row ? row->text : "the server does not answer now",
                  answer->status, code);
    } else {
        (void)error_set(err, ERROR_ACCOUNT, ERROR_PERMANENT, EX_NOPERM, "%s: %s (%s)",
                        request->server, row ? row->text : "the server refuses the login",
                        *code ? code : "no error code");
    }
    if (reply->description.len > 0)
        error_add(err, ": ", "%.300s", str_text(&reply->description));
    if (err->code != EX_NOPERM)
        return false;
    blame_clock(answer, now, err);
    if (row && row->meaning == CLIENT)
        return error_add(err, ": ",
                         "see to oauth_client_id and what proves it, then run `onehopctl %s "
                         "%s`",
                         tokenrequest_has_person(request) ? "login" : "check", request->account);
    if (row && row->meaning == SETTING)
        return error_add(err, ": ", "see to oauth_scope, then run `onehopctl check %s`",
                         request->account);
    return tokenfailure_advise(request, err);
}
