#include "config.h"
#include "submit/systemlog.h"

#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "submit/journald.h"

/* What happened, for `journalctl MESSAGE_ID=`; onehop(1) lists them. Random, for ever. */
static const char *const events[] = {[LOG_QUEUED] = "8539ac9b9524432fa988d05d3870dcd4",
                                     [LOG_SENT] = "a136b8ac0d2b4e3696020c6ae38569da",
                                     [LOG_DEFERRED] = "471597440afe42c3b4a5a1ca519302fb",
                                     [LOG_FAILED] = "8f8dfca737ff49b597f73c1a31d70ec6"};

static void add_number(struct str *entry, const char *name, int number)
{
    str_addf(entry, "%s=%d\n", name, number);
}

/* What is not known has no field. */
static void add_known(struct str *entry, const char *name, const char *value)
{
    if (*value)
        journald_add(entry, name, value);
}

static void add_result(const struct log_record *record, struct str *entry)
{
    const struct logresult *result = record->result;
    journald_add(entry, "MESSAGE_ID", events[result->result]);
    journald_add(entry, "ONEHOP_RESULT", logresult_names[result->result]);
    for (size_t i = 0; i < record->n && i < SYSTEMLOG_RECIPIENTS_MAX; i++)
        journald_add(entry, "ONEHOP_RECIPIENT",
                     record->facts->envelope->rcpt[record->first + i].address);
    if (result->reply_code)
        add_number(entry, "SMTP_CODE", result->reply_code);
    add_known(entry, "DSN", result->dsn);
}

static void add_facts(const struct log_record *record, struct str *entry)
{
    const struct logline *facts = record->facts;
    add_known(entry, "ONEHOP_QUEUE_ID", facts->queue_id);
    add_known(entry, "ONEHOP_MESSAGE_ID", facts->message_id);
    add_known(entry, "ONEHOP_ACCOUNT", facts->account ? facts->account->name : "");
    if (record->result)
        add_result(record, entry);
}

void systemlog_send(const char *program, int facility, const struct log_record *record)
{
    const char *name = *record->program                ? record->program
                       : strcmp(program, "msmtp") == 0 ? "msmtp"
                                                       : "onehop";
    int priority = record->result && record->result->result > LOG_SENT ? LOG_ERR : LOG_INFO;
    struct str entry = {0};
    str_addf(&entry, "MESSAGE=%s\n", record->text); /* escaped, once */
    add_number(&entry, "PRIORITY", priority);
    add_number(&entry, "SYSLOG_FACILITY", LOG_FAC(facility));
    journald_add(&entry, "SYSLOG_IDENTIFIER", name);
    add_facts(record, &entry);
    if (!journald_send(journald_path(), &entry)) {
        /* Never closed: a run logs thousands of lines, and the descriptor is closed on exec. */
        openlog(name, *record->program ? LOG_PID : 0, facility);
        syslog(priority, "%s", record->text);
    }
    str_clear(&entry);
}
