#include "config.h"
#include "delivery/jsonlog.h"

#include <inttypes.h>
#include <time.h>

#include "base/clock.h"
#include "base/jsontext.h"

static void add_text(struct str *out, const char *name, const char *text)
{
    str_addf(out, "%s\"%s\": ", out->len > 1 ? ", " : "", name);
    jsontext_add(out, text);
}

static void add_seconds(struct str *out, const char *name, int64_t milliseconds)
{
    str_addf(out, ", \"%s\": %" PRId64 ".%03d", name, milliseconds / 1000,
             (int)(milliseconds % 1000));
}

static void add_time(struct str *out)
{
    char text[sizeof "2026-11-26T06:19:36Z"] = "";
    struct tm utc;
    time_t now = (time_t)clock_wall();
    if (gmtime_r(&now, &utc))
        (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    add_text(out, "time", text);
}

static void add_way(const struct logline *facts, struct str *out)
{
    add_text(out, "relay", facts->address ? facts->host : "");
    add_text(out, "address", facts->address ? facts->address : "");
    str_addf(out, ", \"port\": %d", logresult_port(facts));
}

static void add_delays(const struct logline *facts, struct str *out)
{
    const struct logresult_delay d = logresult_delay(facts);
    add_seconds(out, "delay", d.total);
    add_seconds(out, "queued", d.queued);
    add_seconds(out, "setup", d.setup);
    add_seconds(out, "transfer", d.transfer);
}

static void add_reason(const struct logline *facts, const struct logresult *result, struct str *out)
{
    struct str reason = {0};
    logresult_add_reason(facts, result, &reason);
    add_text(out, "reason", str_text(&reason));
    str_clear(&reason);
}

/* RECIPIENT, the only one of RECORD, is NULL for a message without any. */
static void write_object(struct log_record record, const struct recipient *recipient,
                         const struct log_sink *sink)
{
    const struct logline *facts = record.facts;
    const struct envelope *env = facts->envelope;
    struct str out = {0};
    str_add_char(&out, '{');
    add_time(&out);
    add_text(&out, "status", logresult_names[record.result->result]);
    add_text(&out, "queue_id", facts->queue_id);
    add_text(&out, "message_id", facts->message_id);
    add_text(&out, "account", facts->account ? facts->account->name : "");
    add_text(&out, "from", env && env->sender ? env->sender : "");
    add_text(&out, "to", recipient ? recipient->address : "");
    add_way(facts, &out);
    str_addf(&out, ", \"size\": %" PRIu64, facts->content ? facts->content->size : 0);
    add_delays(facts, &out);
    add_text(&out, "dsn", record.result->dsn);
    str_addf(&out, ", \"reply_code\": %d", record.result->reply_code);
    add_reason(facts, record.result, &out);
    str_add_char(&out, '}');
    record.text = str_text(&out);
    sink->put(sink->context, &record);
    str_clear(&out);
}

void jsonlog_write(const struct logline *facts, const struct log_sink *sink)
{
    const struct envelope *env = facts->envelope;
    for (size_t i = 0; env && i < env->n; i++) {
        const struct logresult result = logresult_of(facts, i);
        const struct log_record record = {
            .facts = facts, .result = &result, .first = i, .n = 1, .program = ""};
        if (result.result != LOG_EARLIER)
            write_object(record, &env->rcpt[i], sink);
    }
    if (!env || env->n == 0) {
        const struct logresult result = logresult_of_all(facts);
        const struct log_record record = {.facts = facts, .result = &result, .program = ""};
        write_object(record, NULL, sink);
    }
}
