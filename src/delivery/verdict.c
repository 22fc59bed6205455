#include "config.h"
#include "delivery/verdict.h"

#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "message/address.h"

static bool is_account_status(const char *status)
{
    static const char *const known[] = {
        "5.4.5",  /* daily quota of the sending account (RFC 3463 leaves it to the system) */
        "5.7.30", /* basic authentication switched off */
        "5.7.57", /* not authenticated to send */
        "5.7.60", /* no permission to send as this sender */
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(status, known[i]) == 0)
            return true;
    return false;
}

static bool matches_pattern(const struct error *err, const struct strlist *patterns)
{
    for (size_t i = 0; i < patterns->n; i++)
        if (strcasestr(err->reply, patterns->item[i]))
            return true;
    return false;
}

void verdict_classify(struct error *err, const struct verdict_rules *rules)
{
    if (err->scope == ERROR_ACCOUNT || err->reply_code < 500)
        return;
    bool own = *rules->own_address && address_equal(rules->sender, rules->own_address, true);
    bool mail_refused = err->scope == ERROR_MESSAGE && err->code == EX_DATAERR;
    if ((mail_refused && own) || is_account_status(err->status) ||
        matches_pattern(err, rules->trouble)) {
        err->scope = ERROR_ACCOUNT;
        err->class = ERROR_TEMPORARY;
        err->code = EX_TEMPFAIL;
    }
}

int verdict_code(const struct error *err)
{
    switch (err->code) {
    case EX_NOPERM:
    case EX_PROTOCOL:
    case EX_NOHOST:
    case EX_IOERR:
    case EX_CONFIG:
        return err->code;
    default:
        break;
    }
    if (err->scope == ERROR_ACCOUNT || err->class == ERROR_TEMPORARY)
        return EX_TEMPFAIL;
    return err->code;
}

bool verdict_is_final(const struct error *err)
{
    return err->class == ERROR_PERMANENT && err->scope != ERROR_ACCOUNT;
}

struct verdict verdict_of(const struct outcome *outcomes, size_t n, const struct error *failure)
{
    struct verdict v = {.worst = n};
    bool worst_is_final = false;
    for (size_t i = 0; i < n; i++) {
        const struct outcome *o = &outcomes[i];
        bool final = o->result == OUTCOME_REFUSED && verdict_is_final(o->error);
        if (o->result == OUTCOME_SENT)
            v.sent++;
        else if (final)
            v.failed++;
        else
            v.deferred++;
        if (o->result == OUTCOME_REFUSED && (v.worst == n || (final && !worst_is_final))) {
            v.worst = i;
            worst_is_final = final;
        }
    }
    if (worst_is_final || (v.worst < n && !failure))
        v.code = verdict_code(outcomes[v.worst].error);
    else if (failure)
        v.code = verdict_code(failure);
    else
        v.code = v.deferred ? EX_TEMPFAIL : EX_OK;
    return v;
}

bool verdict_is_refusal(const struct verdict *verdict, const struct error *failure)
{
    bool of_all = failure && verdict_is_final(failure);
    return verdict->sent == 0 && (of_all || verdict->deferred == 0);
}
