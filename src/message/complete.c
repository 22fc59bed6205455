#include "config.h"
#include "message/complete.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/memory.h"
#include "base/random.h"
#include "message/rewrite.h"

void complete_date(struct str *out, time_t when)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct tm tm;
    if (!localtime_r(&when, &tm)) { /* a year that does not fit an int */
        when = 0;
        (void)gmtime_r(&when, &tm);
    }
    long offset = tm.tm_gmtoff / 60, minutes = labs(offset);
    str_addf(out, "%s, %02d %s %04d %02d:%02d:%02d %c%02ld%02ld", days[tm.tm_wday], tm.tm_mday,
             months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec,
             offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

void complete_message_id(struct str *out, const char *domain, time_t now)
{
    str_addf(out, "<%" PRIx64 ".%ld.%016" PRIx64 "@%s>", (uint64_t)now, (long)getpid(),
             random_number(), *domain ? domain : "localhost");
}

static bool is_blank_text(const char *text)
{
    return text[strspn(text, " \t\n")] == '\0';
}

/* Whether NAME has to be made. An empty field counts as missing, and is removed. */
static bool is_missing(struct header *header, const char *name)
{
    const char *value = header_value(header, name);
    bool missing = !value || is_blank_text(value);
    if (missing)
        (void)header_remove(header, name);
    return missing;
}

static bool has_no_from(struct header *header)
{
    struct address_list list = {0};
    header_addresses(header, "From", &list);
    bool none = list.n == 0;
    address_list_clear(&list);
    return none;
}

static void add_from(struct header *header, const struct completion *want)
{
    struct str value = {0};
    (void)header_remove(header, "From");
    address_format(&value, want->full_name,
                   *want->from_address ? want->from_address : want->sender);
    header_prepend(header, "From", str_text(&value));
    str_clear(&value);
}

static void add_to(struct header *header, const struct completion *want)
{
    struct str value = {0};
    char no_name[] = "";
    struct address_list list = {0};
    list.item = memory_resize(NULL, want->envelope->n, sizeof *list.item);
    for (; list.n < want->envelope->n; list.n++) /* borrowed */
        list.item[list.n] = (struct address){want->envelope->rcpt[list.n].address, no_name};
    if (want->to == COMPLETE_TO_UNDISCLOSED || list.n == 0)
        str_add(&value, "undisclosed-recipients:;");
    else
        address_list_format(&value, &list);
    header_prepend(header, "To", str_text(&value));
    free(list.item);
    str_clear(&value);
}

static void add_subject(struct header *header, const char *line)
{
    enum { WHOLE = 20, CUT = 17 };
    struct str text = {0}, value = {0};
    line += strspn(line, " \t");
    size_t characters = 0, cut = 0, len = strlen(line);
    for (size_t i = 0; i < len && characters <= WHOLE; characters++) {
        size_t n = escape_utf8_sequence(line + i, len - i);
        if (characters == CUT)
            cut = text.len;
        if ((unsigned char)line[i] < 32 || line[i] == 127)
            str_add_char(&text, ' ');
        else
            str_add_n(&text, line + i, n ? n : 1);
        i += n ? n : 1;
    }
    if (characters > WHOLE) {
        str_truncate(&text, cut);
        str_add(&text, "...");
    }
    address_encode_text(&value, str_text(&text));
    header_prepend(header, "Subject", str_text(&value));
    str_clear(&text);
    str_clear(&value);
}

/* From the last to the first, since each is put in front of the others. */
static void add_missing(struct header *header, const struct completion *want,
                        const char *first_line)
{
    struct str value = {0};
    if (want->message_id != COMPLETE_OFF && is_missing(header, "Message-ID")) {
        complete_message_id(&value, want->message_id_domain, want->now);
        header_prepend(header, "Message-ID", str_text(&value));
    }
    str_truncate(&value, 0);
    if (want->date != COMPLETE_OFF && is_missing(header, "Date")) {
        complete_date(&value, want->now);
        header_prepend(header, "Date", str_text(&value));
    }
    str_clear(&value);
    bool no_subject =
        header->absent || (want->subject == COMPLETE_ON && !header_value(header, "Subject"));
    if (want->subject != COMPLETE_OFF && no_subject && !is_blank_text(first_line))
        add_subject(header, first_line);
    if (want->to != COMPLETE_TO_OFF) {
        (void)header_remove(header, "To");
        (void)header_remove(header, "Cc");
        (void)header_remove(header, "Bcc");
    }
    if (want->to != COMPLETE_TO_OFF || header->absent)
        add_to(header, want);
    if (want->from == COMPLETE_ON || (want->from == COMPLETE_AUTO && has_no_from(header)))
        add_from(header, want);
}

void complete_header(struct header *header, const struct completion *want, const char *first_line)
{
    (void)header_remove(header, "Return-Path");
    if (!want->keep_bcc) {
        (void)header_remove(header, "Bcc");
        (void)header_remove(header, "Resent-Bcc");
    }
    rewrite_senders(header, want);
    rewrite_qualify(header, want->qualify_domain);
    add_missing(header, want, first_line);
    if (!want->keep_8bit)
        rewrite_encode(header);
}
