#include "config.h"
#include "delivery/logresult.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/escape.h"
#include "delivery/verdict.h"

const char *const logresult_names[] = {[LOG_EARLIER] = "earlier",
                                       [LOG_QUEUED] = "queued",
                                       [LOG_SENT] = "sent",
                                       [LOG_DEFERRED] = "deferred",
                                       [LOG_FAILED] = "failed"};

/* RFC 3463, 3.5: no answer from the host. */
static const char *general_status(const struct logresult *r)
{
    bool permanent = r->result == LOG_FAILED && r->why && r->why->class == ERROR_PERMANENT;
    if (r->result == LOG_SENT)
        return "2.0.0";
    if (permanent)
        return "5.0.0";
    return r->why && r->why->command == COMMAND_CONNECT ? "4.4.1" : "4.0.0";
}

/* "250 2.0.0 queued" */
static void read_reply(struct logresult *r, const char *reply)
{
    if (strspn(reply, "0123456789") == 3)
        (void)sscanf(reply, "%3d%*1[- ]%11[0-9.]", &r->reply_code, r->dsn);
    if (strncmp(r->dsn, "2.", 2) != 0 || !strchr(r->dsn + 2, '.'))
        r->dsn[0] = '\0';
}

static void read_error(const struct logline *facts, struct logresult *r)
{
    bool waits = *facts->queue_id && facts->attempt && !facts->expired &&
                 !(r->why && verdict_is_final(r->why));
    r->result = waits ? LOG_DEFERRED : LOG_FAILED;
    if (!r->why)
        return;
    r->reply_code = r->why->reply_code;
    (void)snprintf(r->dsn, sizeof r->dsn, "%s", r->why->status);
}

struct logresult logresult_of(const struct logline *facts, size_t i)
{
    const struct attempt *attempt = facts->attempt;
    struct logresult r = {.result = LOG_QUEUED, .why = facts->error};
    if (!attempt && !facts->error)
        return r;
    if (facts->journal && facts->journal->rcpt[i].status != JOURNAL_WAITING)
        return (struct logresult){.result = LOG_EARLIER};
    if (attempt)
        r.why = attempt->outcomes[i].error ? attempt->outcomes[i].error
                : attempt->failed          ? &attempt->failure
                                           : NULL;
    if (attempt && attempt->outcomes[i].result == OUTCOME_SENT) {
        r = (struct logresult){.result = LOG_SENT};
        read_reply(&r, str_text(&attempt->reply));
    } else {
        read_error(facts, &r);
    }
    if (!*r.dsn)
        (void)snprintf(r.dsn, sizeof r.dsn, "%s", general_status(&r));
    return r;
}

struct logresult logresult_of_all(const struct logline *facts)
{
    const size_t n = facts->envelope ? facts->envelope->n : 0;
    struct logresult worst = {.result = facts->error ? LOG_FAILED : LOG_QUEUED,
                              .why = facts->error};
    for (size_t i = 0; i < n; i++) {
        const struct logresult r = logresult_of(facts, i);
        if (i == 0 || r.result > worst.result)
            worst = r;
    }
    return worst;
}

struct logresult_delay logresult_delay(const struct logline *facts)
{
    const struct attempt *attempt = facts->attempt;
    struct logresult_delay d = {.total = facts->delay > 0 ? facts->delay : 0};
    if (!attempt)
        return d;
    d.setup = attempt->setup;
    d.transfer = clock_now() - attempt->began;
    if (d.total < d.setup + d.transfer) /* not known, or a clock was set */
        d.total = d.setup + d.transfer;
    d.queued = d.total - d.setup - d.transfer;
    return d;
}

void logresult_add_reason(const struct logline *facts, const struct logresult *result,
                          struct str *out)
{
    struct str reason = {0};
    if (result->why)
        error_explain(result->why, &reason);
    else if (result->result == LOG_SENT)
        str_add(&reason, str_text(&facts->attempt->reply));
    for (size_t i = 0; i < reason.len; i++)
        if (reason.data[i] == '\n')
            reason.data[i] = ' ';
    escape_line(out, str_text(&reason), reason.len);
    str_clear(&reason);
}
