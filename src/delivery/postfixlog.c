#include "config.h"
#include "delivery/postfixlog.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/escape.h"
#include "queue/entryid.h"

struct postfixlog {
    const struct logline *facts;
    const struct log_sink *sink;
    const char *id;
    struct str message_id;
    struct str text; /* of the next line */
};

/* A value that ends at one of ENDS. */
static void add_word(struct str *out, const char *text, const char *ends)
{
    size_t start = out->len;
    logline_add_value(out, text);
    for (size_t i = start; i < out->len; i++)
        if (strchr(ends, out->data[i]))
            out->data[i] = '?';
}

/* In angle brackets, where a viewer might take anything but a plain address for a tag (see
 * escape_line()). */
static void add_mailbox(struct str *out, const char *name, const char *text)
{
    const char *at = strrchr(text, '@');
    bool qualified = at && at > text && at[1];
    str_addf(out, "%s=<", name);
    for (const char *c = text; *c; c++)
        str_add_char(out, isalnum((unsigned char)*c) || strchr(".+-_", *c) || (qualified && c == at)
                              ? *c
                              : '_');
    str_add(out, *text && !qualified ? "@->" : ">");
}

static void put(struct postfixlog *log, const char *program, struct log_record record)
{
    record.facts = log->facts;
    record.program = program;
    record.text = str_text(&log->text);
    log->sink->put(log->sink->context, &record);
    str_truncate(&log->text, 0);
}

/* A line about the message, not about recipients. */
static void put_message(struct postfixlog *log, const char *program)
{
    put(log, program, (struct log_record){0});
}

static void add_sender(struct postfixlog *log, const char *name)
{
    const struct envelope *env = log->facts->envelope;
    add_mailbox(&log->text, name, env && env->sender ? env->sender : "");
}

static void write_arrival(struct postfixlog *log)
{
    const struct caller *caller = log->facts->caller;
    bool known = caller && caller->uid != (uid_t)-1;
    str_addf(&log->text, "%s: ", log->id);
    if (known)
        str_addf(&log->text, "uid=%lu ", (unsigned long)caller->uid);
    add_sender(log, known ? "from" : "sender");
    const struct logresult queued = {.result = LOG_QUEUED};
    put(log, "onehop/pickup",
        *log->facts->queue_id ? (struct log_record){.result = &queued, .n = log->facts->envelope->n}
                              : (struct log_record){0});
    str_addf(&log->text, "%s: message-id=%s", log->id, str_text(&log->message_id));
    put_message(log, "onehop/cleanup");
}

static void write_active(struct postfixlog *log)
{
    const struct logline *facts = log->facts;
    str_addf(&log->text, "%s: ", log->id);
    add_sender(log, "from");
    str_addf(&log->text, ", size=%" PRIu64 ", nrcpt=%zu (queue active)",
             facts->content ? facts->content->size : 0, facts->envelope->n);
    put_message(log, "onehop/qmgr");
}

static void add_relay(struct postfixlog *log)
{
    const struct logline *facts = log->facts;
    if (!facts->address) {
        str_add(&log->text, "none");
        return;
    }
    add_word(&log->text, *facts->host ? facts->host : "maildir", ",[");
    str_add_char(&log->text, '[');
    add_word(&log->text, facts->address, ",]");
    str_add_char(&log->text, ']');
    if (logresult_port(facts))
        str_addf(&log->text, ":%d", logresult_port(facts));
}

static void add_seconds(struct str *out, int64_t milliseconds)
{
    str_addf(out, "%" PRId64 ".%02d", milliseconds / 1000, (int)(milliseconds % 1000 / 10));
}

static void add_delays(struct postfixlog *log)
{
    const struct logresult_delay d = logresult_delay(log->facts);
    const int64_t parts[] = {0, d.queued, d.setup, d.transfer};
    str_add(&log->text, ", delay=");
    add_seconds(&log->text, d.total);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        str_add(&log->text, i == 0 ? ", delays=" : "/");
        add_seconds(&log->text, parts[i]);
    }
}

/* Without parentheses, which are the reason's. */
static void add_hint(struct postfixlog *log, const char *hint)
{
    str_add(&log->text, ", hint=");
    size_t start = log->text.len;
    escape_line(&log->text, hint, strlen(hint));
    for (size_t i = start; i < log->text.len; i++)
        if (strchr("()", log->text.data[i]))
            log->text.data[i] = log->text.data[i] == '(' ? '[' : ']';
}

/* pflogsumm takes a reason up to its first ')'. Of one above 65 octets it drops what is before a
 * colon, one after the other: what happened has to come last, and how to mend it elsewhere. */
static void add_outcome(struct postfixlog *log, const struct logresult *result, const char *status)
{
    struct logresult brief = *result;
    struct error what = result->why ? *result->why : (struct error){0};
    char *hint = strstr(what.text, "; ");
    if (hint)
        *hint = '\0';
    if (result->why)
        brief.why = &what;
    str_addf(&log->text, ", dsn=%s, status=%s (", result->dsn, status);
    logresult_add_reason(log->facts, &brief, &log->text);
    str_add(&log->text, "), account=");
    add_word(&log->text, log->facts->account ? log->facts->account->name : "", ",()");
    str_addf(&log->text, ", message-id=%s", str_text(&log->message_id));
    if (hint)
        add_hint(log, hint + 2);
}

static void write_recipient(struct postfixlog *log, size_t i, const struct logresult *result)
{
    const struct logline *facts = log->facts;
    const char *status = result->result == LOG_FAILED ? "bounced" : logresult_names[result->result];
    str_addf(&log->text, "%s: ", log->id);
    add_mailbox(&log->text, "to", facts->envelope->rcpt[i].address);
    str_add(&log->text, ", relay=");
    add_relay(log);
    add_delays(log);
    add_outcome(log, result, status);
    put(log, "onehop/smtp", (struct log_record){.result = result, .first = i, .n = 1});
}

static void write_attempt(struct postfixlog *log)
{
    bool waits = false;
    for (size_t i = 0; i < log->facts->envelope->n; i++) {
        const struct logresult result = logresult_of(log->facts, i);
        waits = waits || result.result == LOG_DEFERRED;
        if (result.result != LOG_EARLIER)
            write_recipient(log, i, &result);
    }
    if (waits)
        return;
    str_addf(&log->text, "%s: removed", log->id);
    put_message(log, "onehop/qmgr");
}

static void write_warning(struct postfixlog *log)
{
    const struct logresult result = logresult_of_all(log->facts);
    str_add(&log->text, "warning: ");
    add_sender(log, "from");
    str_add(&log->text, ": ");
    logresult_add_reason(log->facts, &result, &log->text);
    put(log, "onehop/pickup", (struct log_record){.result = &result});
}

void postfixlog_write(const struct logline *facts, const struct log_sink *sink)
{
    char made[ENTRYID_SIZE];
    struct postfixlog log = {.facts = facts, .sink = sink, .id = facts->queue_id};
    add_word(&log.message_id, facts->message_id, "()");
    if (!*log.id) {
        entryid_make(made, clock_wall_microseconds(), (uint64_t)getpid());
        log.id = made;
    }
    if (facts->error && !facts->attempt) {
        write_warning(&log);
    } else {
        if (!facts->attempt || !*facts->queue_id)
            write_arrival(&log);
        write_active(&log);
        if (facts->attempt)
            write_attempt(&log);
    }
    str_clear(&log.message_id);
    str_clear(&log.text);
}
