#include "config.h"
#include "delivery/logresult.h"

#include <stdio.h>
#include <stdlib.h>
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
    if (strspn(reply, "0123456789") == 3) {
        r->reply_code = (int)strtol(reply, NULL, 10);
        (void)sscanf(reply + 3, "%*1[- ]%11[0-9.]", r->dsn);
    }
    if (strncmp(r->dsn, "2.", 2) != 0 || !strchr(r->dsn + 2, '.'))
        r->dsn[0] = '\0';
}

/* What became of recipient I, and *WHY. */
static enum log_result classify(const struct logline *facts, size_t i, const struct error **why)
{
    const struct attempt *attempt = facts->attempt;
    *why = facts->error;
    if (!attempt)
        return facts->error ? LOG_FAILED : LOG_QUEUED;
    *why = attempt->outcomes[i].error;
    if (facts->journal && facts->journal->rcpt[i].status != JOURNAL_WAITING)
        return LOG_EARLIER;
    if (attempt->outcomes[i].result == OUTCOME_SENT)
        return LOG_SENT;
    if (!*why && attempt->failed)
        *why = &attempt->failure;
    bool waits = *facts->queue_id && !facts->expired && !(*why && verdict_is_final(*why));
    return waits ? LOG_DEFERRED : LOG_FAILED;
}

struct logresult logresult_of(const struct logline *facts, size_t i)
{
    struct logresult r = {0};
    r.result = classify(facts, i, &r.why);
    if (r.result <= LOG_QUEUED)
        return r;
    if (r.result == LOG_SENT)
        read_reply(&r, str_text(&facts->attempt->reply));
    if (r.why) {
        r.reply_code = r.why->reply_code;
        (void)snprintf(r.dsn, sizeof r.dsn, "%s", r.why->status);
    }
    if (!*r.dsn)
        (void)snprintf(r.dsn, sizeof r.dsn, "%s", general_status(&r));
    return r;
}

struct logresult logresult_of_all(const struct logline *facts)
{
    const size_t n = facts->envelope && facts->attempt ? facts->envelope->n : 0;
    enum log_result worst = LOG_EARLIER;
    size_t at = 0;
    for (size_t i = 0; i < n && worst < LOG_FAILED; i++) {
        const struct error *ignored;
        enum log_result result = classify(facts, i, &ignored);
        if (result > worst)
            at = i;
        worst = result > worst ? result : worst;
    }
    return logresult_of(facts, at);
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

int logresult_port(const struct logline *facts)
{
    return facts->address && *facts->address != '/' ? account_port(facts->account) : 0;
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
