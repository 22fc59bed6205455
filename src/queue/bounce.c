#include "config.h"
#include "queue/bounce.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/escape.h"
#include "base/memory.h"
#include "base/str.h"
#include "base/xtext.h"

enum {
    FOLD_AT = 900, /* octets of a line before it is folded: RFC 5322, 2.1.1 allows 998 */
    BLOCK = 32 * 1024,
};

/* Appends TEXT, lines separated by '\n', as the rest of a field: each further line, and each line
 * that becomes too long, is a fold. What is not printable ASCII becomes '?', or, with UTF8, only
 * what is not UTF-8. */
static void add_folded(struct str *out, const char *text, bool utf8)
{
    size_t column = 0;
    for (size_t i = 0, len = strlen(text); i < len;) {
        size_t step = escape_utf8_sequence(text + i, len - i);
        bool plain = step == 1 && text[i] >= ' ' && text[i] != 127;
        if (text[i] == '\n' || column > FOLD_AT) {
            str_add(out, "\r\n ");
            column = 0;
        }
        if (plain || (utf8 && step > 1))
            str_add_n(out, text + i, step);
        else if (text[i] != '\n')
            str_add_char(out, '?');
        column += step ? step : 1;
        i += step ? step : 1;
    }
}

static void add_field(struct str *out, const char *name, const char *text, bool utf8)
{
    str_addf(out, "%s: ", name);
    add_folded(out, text, utf8);
    str_add(out, "\r\n");
}

static bool flush(struct str *text, struct output *out, struct error *err)
{
    bool ok = output_write(out, str_text(text), text->len, err);
    str_truncate(text, 0);
    return ok;
}

bool bounce_reports(const struct progress *progress, const struct recipient *recipient)
{
    return progress->status == JOURNAL_FAILED && progress->bounce == 0 &&
           envelope_reports_failure(recipient);
}

bool bounce_reports_delay(const struct progress *progress, const struct recipient *recipient)
{
    return progress->status == JOURNAL_WAITING && progress->why &&
           progress->why->scope != ERROR_ACCOUNT && envelope_reports_delay(recipient);
}

static bool reports(const struct bounce *bounce, size_t i)
{
    const struct progress *progress = &bounce->journal->rcpt[i];
    const struct recipient *recipient = &bounce->original->envelope.rcpt[i];
    return bounce->until ? bounce_reports_delay(progress, recipient)
                         : bounce_reports(progress, recipient);
}

/* What the server said, its code in front; or what went wrong where no server was asked. */
static void add_reason(struct str *out, const struct error *why)
{
    char code[16] = "";
    const char *reply = why->reply;
    if (why->reply_code > 0 && *reply) {
        (void)snprintf(code, sizeof code, "%d", why->reply_code);
        if (strncmp(reply, code, strlen(code)) != 0)
            str_addf(out, "%s ", code);
    }
    add_folded(out, *reply ? reply : *why->text ? why->text : "no reason was given", false);
}

static bool addresses_are_ascii(const struct bounce *bounce)
{
    const struct envelope *envelope = &bounce->original->envelope;
    for (size_t i = 0; i < envelope->n; i++)
        if (reports(bounce, i) &&
            (!escape_is_ascii(envelope->rcpt[i].address) ||
             (envelope->rcpt[i].orcpt && !escape_is_ascii(envelope->rcpt[i].orcpt))))
            return false;
    return true;
}

static void add_header(struct str *text, const struct bounce *bounce, bool eightbit)
{
    str_add(text, "From: Mail Delivery System <");
    add_folded(text, bounce->from, true);
    str_add(text, ">\r\nTo: <");
    add_folded(text, bounce->to, true);
    add_field(text, ">\r\nSubject",
              bounce->until ? "Mail is delayed, and is tried again"
                            : "Undelivered mail returned to sender",
              false);
    add_field(text, "Date", bounce->date, false);
    str_addf(text, "Message-ID: <%s@", bounce->id);
    add_folded(text, bounce->host, false);
    str_add(text, ">\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n");
    str_addf(text,
             "Content-Type: multipart/report; report-type=delivery-status;\r\n"
             " boundary=\"=_%s\"\r\n",
             bounce->id);
    if (eightbit)
        str_add(text, "Content-Transfer-Encoding: 8bit\r\n");
    str_add(text, "\r\nThis is a report in several parts (RFC 3464).\r\n");
}

static void open_part(struct str *text, const struct bounce *bounce, const char *type,
                      bool eightbit)
{
    str_addf(text, "\r\n--=_%s\r\nContent-Type: %s\r\n", bounce->id, type);
    if (eightbit)
        str_add(text, "Content-Transfer-Encoding: 8bit\r\n");
    str_add(text, "\r\n");
}

/* What happened to the recipients below, and what the sender can do. */
static void add_summary(struct str *text, const struct bounce *bounce)
{
    if (!bounce->until) {
        str_add(text, "could not be delivered to the recipients below. It will not be tried"
                      " again.\r\n");
        return;
    }
    str_add(text, "has not been delivered to the recipients below yet. It is tried again");
    if (*bounce->until) {
        str_add(text, "\r\nuntil ");
        add_folded(text, bounce->until, false);
    }
    str_add(text, ".\r\n\r\nYou need not send it again. If it is urgent, reach them in another"
                  " way.\r\nThis is reported once.\r\n");
}

static bool write_explanation(const struct bounce *bounce, struct str *text, bool ascii,
                              struct output *out, struct error *err)
{
    const struct envelope *envelope = &bounce->original->envelope;
    open_part(text, bounce, ascii ? "text/plain; charset=us-ascii" : "text/plain; charset=utf-8",
              !ascii);
    str_add(text, "This is the mail system at ");
    add_folded(text, bounce->host, false);
    str_add(text, ".\r\n\r\nYour message of ");
    add_folded(text, bounce->arrival, false);
    str_add(text, "\r\n");
    add_summary(text, bounce);
    for (size_t i = 0; i < envelope->n; i++) {
        if (!reports(bounce, i))
            continue;
        str_add(text, "\r\n<");
        add_folded(text, envelope->rcpt[i].address, true);
        str_add(text, ">:\r\n ");
        add_reason(text, bounce->journal->rcpt[i].why);
        str_add(text, "\r\n");
        if (!flush(text, out, err))
            return false;
    }
    return flush(text, out, err);
}

/* RFC 3464, 2.3.1; the value is not xtext there (RFC 3461, 6.3). */
static void add_original_recipient(struct str *text, const char *orcpt)
{
    struct str decoded = {0};
    if (orcpt && xtext_decode(&decoded, orcpt))
        add_field(text, "Original-Recipient", str_text(&decoded), true);
    str_clear(&decoded);
}

static void add_recipient_fields(struct str *text, const struct bounce *bounce,
                                 const struct recipient *recipient, const struct error *why)
{
    const char *address = recipient->address;
    bool has_status = why->status[0] == '4' || (why->status[0] == '5' && !bounce->until);
    str_add(text, "\r\n");
    add_original_recipient(text, recipient->orcpt);
    str_addf(text, "Final-Recipient: %s; ", escape_is_ascii(address) ? "rfc822" : "utf-8");
    add_folded(text, address, true);
    str_addf(text, "\r\nAction: %s\r\n", bounce->until ? "delayed" : "failed");
    add_field(text, "Status", has_status ? why->status : bounce->until ? "4.0.0" : "5.0.0", false);
    bool replied = why->reply_code > 0;
    if (replied && *bounce->provider) {
        str_add(text, "Remote-MTA: dns; ");
        add_folded(text, bounce->provider, false);
        str_add(text, "\r\n");
    }
    str_add(text, replied ? "Diagnostic-Code: smtp; " : "Diagnostic-Code: X-onehop; ");
    add_reason(text, why);
    str_add(text, "\r\n");
    if (bounce->until && *bounce->until)
        add_field(text, "Will-Retry-Until", bounce->until, false);
}

/* RFC 3464, 2; with addresses beyond ASCII RFC 6533, 3. */
static bool write_status(const struct bounce *bounce, struct str *text, bool ascii,
                         struct output *out, struct error *err)
{
    const struct envelope *envelope = &bounce->original->envelope;
    open_part(text, bounce, ascii ? "message/delivery-status" : "message/global-delivery-status",
              !ascii);
    str_add(text, "Reporting-MTA: dns; ");
    add_folded(text, bounce->host, false);
    str_add(text, "\r\n");
    if (envelope->envid && *envelope->envid)
        add_field(text, "Original-Envelope-Id", envelope->envid, false);
    add_field(text, "X-Queue-Id", bounce->original->id, false);
    add_field(text, "Arrival-Date", bounce->arrival, false);
    for (size_t i = 0; i < envelope->n; i++) {
        if (!reports(bounce, i))
            continue;
        add_recipient_fields(text, bounce, &envelope->rcpt[i], bounce->journal->rcpt[i].why);
        if (!flush(text, out, err))
            return false;
    }
    return flush(text, out, err);
}

/* How much of BLOCK belongs to the header: up to the end of its last line. MATCHED counts the
 * octets of CRLF CRLF that were seen; 4 is the end. */
static size_t header_part(const char *block, size_t len, unsigned *matched)
{
    size_t i = 0;
    while (i < len && *matched < 4) {
        char wanted = *matched % 2 == 0 ? '\r' : '\n';
        *matched = block[i] == wanted ? *matched + 1 : block[i] == '\r';
        i++;
    }
    return i;
}

static bool write_original(const struct bounce *bounce, struct str *text, struct output *out,
                           struct error *err)
{
    const struct content *content = bounce->content;
    bool eightbit = bounce->full ? content->has_8bit : content->has_8bit_header;
    struct content_cursor from = {.content = content};
    unsigned matched = 2; /* an empty header: its blank line comes at once */
    size_t got = 0, used = 0;
    open_part(text, bounce,
              bounce->full ? content->has_8bit_header ? "message/global" : "message/rfc822"
              : content->has_8bit_header ? "message/global-headers"
                                         : "text/rfc822-headers",
              eightbit);
    if (!flush(text, out, err))
        return false;
    str_reserve(text, BLOCK);
    while (used == got && matched < 4) {
        if (!content_read(&from, text->data, BLOCK, &got, err))
            return false;
        used = bounce->full ? got : header_part(text->data, got, &matched);
        if (got == 0)
            break;
        if (!output_write(out, text->data, used, err))
            return false;
    }
    return true;
}

bool bounce_write(const struct bounce *bounce, struct output *out, bool *has_8bit,
                  bool *has_8bit_header, struct error *err)
{
    bool ascii = addresses_are_ascii(bounce);
    *has_8bit_header = !escape_is_ascii(bounce->from) || !escape_is_ascii(bounce->to);
    *has_8bit = !ascii || *has_8bit_header || bounce->content->has_8bit_header ||
                (bounce->full && bounce->content->has_8bit);
    struct str text = {0};
    add_header(&text, bounce, *has_8bit);
    bool ok = write_explanation(bounce, &text, ascii, out, err) &&
              write_status(bounce, &text, ascii, out, err) &&
              write_original(bounce, &text, out, err);
    str_truncate(&text, 0);
    str_addf(&text, "\r\n--=_%s--\r\n", bounce->id);
    ok = ok && flush(&text, out, err);
    str_clear(&text);
    return ok;
}

bool bounce_entry(const struct bounce *bounce, struct entry *entry, struct error *err)
{
    const struct entry *original = bounce->original;
    char id[ENTRYID_SIZE];
    unsigned number = bounce->until ? ENTRYID_DELAY : bounce->journal->bounces + 1;
    if (*original->bounce_of)
        return error_set(err, ERROR_MESSAGE, ERROR_PERMANENT, EX_SOFTWARE,
                         "a bounce that cannot be delivered has no sender to be returned to");
    if ((!bounce->until && number > ENTRYID_BOUNCES_MAX) ||
        !entryid_derive(id, original->id, number))
        return error_set(err, ERROR_MESSAGE, ERROR_PERMANENT, EX_SOFTWARE,
                         "it has caused too many bounces already");
    memcpy(entry->id, id, sizeof id);
    memcpy(entry->bounce_of, original->id, sizeof entry->bounce_of);
    entry->account = memory_copy(original->account);
    entry->from = memory_copy("");
    entry->has_uid = original->has_uid;
    entry->uid = original->uid;
    envelope_set_sender(&entry->envelope, "");
    (void)envelope_add(&entry->envelope, bounce->to); /* the first of its recipients */
    return true;
}
