#include "config.h"
#include "ctl/mailq.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/escape.h"
#include "ctl/json.h"

enum { REASON_COLUMN = 76 }; /* short reasons end in this column */

static void print_columns(FILE *out, const char *id, const char *size, const char *time,
                          const char *who)
{
    (void)fprintf(out, "%-17s %8s %-19s %s\n", id, size, time, who);
}

static void print_first(FILE *out, const struct listing_item *item)
{
    static const char marks[] = {[LISTING_ACTIVE] = '*',
                                 [LISTING_DEFERRED] = '\0',
                                 [LISTING_HOLD] = '!',
                                 [LISTING_FAILED] = '#'};
    char id[32], size[32];
    (void)snprintf(id, sizeof id, "%s%c", item->id, marks[item->state]);
    (void)snprintf(size, sizeof size, "%" PRIu64, item->size);
    struct str sender = {0}, when = {0};
    (void)clock_add_local(&when, item->arrival, MAILQ_TIME);
    const char *text = item->entry ? item->entry->envelope.sender : "?";
    escape_line(&sender, text, strlen(text));
    print_columns(out, id, size, str_text(&when), sender.len ? str_text(&sender) : "MAILER-DAEMON");
    str_clear(&sender);
    str_clear(&when);
}

void mailq_add_next(struct str *out, const struct listing_item *item)
{
    struct str when = {0};
    if (item->next <= clock_wall())
        str_add(out, "; due now");
    else if (clock_add_local(&when, item->next, MAILQ_TIME))
        str_addf(out, "; next attempt %s", str_text(&when));
    if (item->through)
        str_addf(out, " through account %s", item->through);
    str_clear(&when);
}

static void print_reason(FILE *out, const struct listing_item *item, const char *reason)
{
    struct str line = {0};
    escape_line(&line, reason, strlen(reason));
    if (item->state == LISTING_DEFERRED)
        mailq_add_next(&line, item);
    int pad = REASON_COLUMN - (int)line.len;
    (void)fprintf(out, "%*s(%s)\n", pad > 0 ? pad : 0, "", str_text(&line));
    str_clear(&line);
}

static bool is_shown(const struct listing_item *item, size_t i)
{
    enum journal_status status = item->journal->rcpt[i].status;
    return item->state == LISTING_FAILED ? status != JOURNAL_SENT : status == JOURNAL_WAITING;
}

/* Appends why recipient I waits: our words, then the provider's; else why the entry does. */
static void add_reason(struct str *out, const struct listing_item *item, size_t i)
{
    const struct error *why = item->journal->rcpt[i].why;
    if (why)
        error_explain(why, out);
    else
        str_add(out, item->waiting);
}

void mailq_add_reason(struct str *out, const struct listing_item *item)
{
    size_t i = 0;
    if (*item->failure || !item->journal) {
        str_add(out, item->failure);
        return;
    }
    while (i < item->journal->n && !is_shown(item, i))
        i++;
    if (i < item->journal->n)
        add_reason(out, item, i);
}

/* Recipients follow the reason they share, each reason once for those that stand together; ALREADY
 * was printed before. */
static void print_recipients(FILE *out, const struct listing_item *item, const char *already)
{
    struct str last = {0}, reason = {0};
    str_add(&last, already);
    for (size_t i = 0; i < item->entry->envelope.n && i < item->journal->n; i++) {
        if (!is_shown(item, i))
            continue;
        str_truncate(&reason, 0);
        add_reason(&reason, item, i);
        if (reason.len && strcmp(str_text(&reason), str_text(&last)) != 0)
            print_reason(out, item, str_text(&reason));
        str_truncate(&last, 0);
        str_add_n(&last, str_text(&reason), reason.len);
        struct str address = {0};
        const char *text = item->entry->envelope.rcpt[i].address;
        escape_line(&address, text, strlen(text));
        print_columns(out, "", "", "", str_text(&address));
        str_clear(&address);
    }
    str_clear(&last);
    str_clear(&reason);
}

void mailq_print(struct mailq *mailq, const struct listing_item *item)
{
    FILE *out = mailq->out;
    if (mailq->requests == 0)
        print_columns(out, "----Queue ID-----", "--Size--", "---Arrival Time----",
                      "--Sender/Recipient------");
    mailq->requests++;
    mailq->octets += item->size;
    print_first(out, item);
    if (*item->failure)
        print_reason(out, item, item->failure);
    if (item->journal && item->journal->note && *item->journal->note)
        print_reason(out, item, item->journal->note);
    const char *declined = item->journal ? item->journal->declined : NULL;
    if (declined)
        print_reason(out, item, declined);
    if (item->entry && item->journal)
        print_recipients(out, item, declined ? declined : "");
    (void)fprintf(out, "\n");
}

void mailq_end(const struct mailq *mailq)
{
    FILE *out = mailq->out;
    unsigned long all = mailq->requests + mailq->others;
    if (mailq->others > 0)
        (void)fprintf(out, "(%lu message%s of other users)\n", mailq->others,
                      mailq->others == 1 ? "" : "s");
    if (all == 0)
        (void)fprintf(out, "Mail queue is empty\n");
    else
        (void)fprintf(out,
                      "\t\tTotal requests: %lu\n"
                      "-- %" PRIu64 " Kbytes in %lu Request%s.\n",
                      all, mailq->octets / 1024, all, all == 1 ? "" : "s");
}

static void print_json_recipients(FILE *out, const struct listing_item *item)
{
    bool first = true;
    (void)fprintf(out, ", \"recipients\": [");
    for (size_t i = 0; item->entry && item->journal && i < item->entry->envelope.n; i++) {
        if (!is_shown(item, i))
            continue;
        (void)fprintf(out, "%s{\"address\": ", first ? "" : ", ");
        json_print_text(out, item->entry->envelope.rcpt[i].address);
        struct str reason = {0};
        add_reason(&reason, item, i);
        if (reason.len)
            json_print_member(out, "delay_reason", str_text(&reason));
        str_clear(&reason);
        (void)fprintf(out, "}");
        first = false;
    }
    (void)fprintf(out, "]");
}

void mailq_print_json(FILE *out, const struct listing_item *item)
{
    static const char *const names[] = {[LISTING_ACTIVE] = "active",
                                        [LISTING_DEFERRED] = "deferred",
                                        [LISTING_HOLD] = "hold",
                                        [LISTING_FAILED] = "failed"};
    (void)fprintf(out,
                  "{\"queue_name\": \"%s\", \"queue_id\": \"%s\", \"arrival_time\": %" PRId64
                  ", \"message_size\": %" PRIu64 ", \"forced_expire\": false",
                  names[item->state], item->id, item->arrival, item->size);
    json_print_member(out, "sender", item->entry ? item->entry->envelope.sender : "");
    print_json_recipients(out, item);
    if (item->entry)
        json_print_member(out, "account", item->entry->account);
    if (item->through)
        json_print_member(out, "fallback", item->through);
    if (item->journal && item->journal->declined)
        json_print_member(out, "declined", item->journal->declined);
    if (item->state == LISTING_DEFERRED)
        (void)fprintf(out, ", \"next_attempt\": %" PRId64, item->next);
    if (item->journal)
        (void)fprintf(out, ", \"attempts\": %u", item->journal->attempts);
    if (*item->failure)
        json_print_member(out, "trouble", item->failure);
    if (item->journal && item->journal->note && *item->journal->note)
        json_print_member(out, "note", item->journal->note);
    (void)fprintf(out, "}\n");
}
