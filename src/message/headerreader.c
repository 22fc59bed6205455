#include "config.h"
#include "message/header.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/memory.h"
#include "message/content.h"

/* Fields that programs put into messages and seldom into plain text: without one of these, lines
 * that look like fields are no header. */
static const char *const known_fields[] = {
    "From",
    "Sender",
    "Reply-To",
    "To",
    "Cc",
    "Bcc",
    "Subject",
    "Date",
    "Message-ID",
    "In-Reply-To",
    "References",
    "Comments",
    "Keywords",
    "Resent-",
    "Return-Path",
    "Received",
    "Content-",
    "MIME-Version",
    "X-",
    "List-",
    "Precedence",
    "Errors-To",
    "Delivered-To",
    "Auto-Submitted",
    "User-Agent",
    "Importance",
    "Organization",
    "DKIM-Signature",
    "ARC-",
    "Apparently-To",
    "Return-Receipt-To",
    "Disposition-Notification-To",
    "Mail-Followup-To",
    "Mail-Reply-To",
    "Authentication-Results",
    "Autocrypt",
    "Feedback-ID",
    "Thread-Index",
    "Thread-Topic",
};

enum kind { LINE_FIELD, LINE_FOLD, LINE_MBOX, LINE_BLANK, LINE_TEXT };

struct reader {
    struct header *header;
    struct source *src;
    struct str line;  /* the present one, clean */
    size_t name_len;  /* octets of the field name it begins with, 0: none */
    struct str name;  /* of the field that is being read, "" before the first */
    struct str value; /* its value so far */
    struct str raw;   /* all that was read, until a known field makes it a header */
    size_t total;     /* octets read */
    bool known, mbox, blank;
};

/* Octets of the field name at the start of LINE, 0 if it is no field (RFC 5322, 2.2; blanks before
 * the colon as 4.5.8 allows). */
static size_t name_length(const char *line, size_t len)
{
    size_t n = 0;
    while (n < len && line[n] > ' ' && line[n] < 127 && line[n] != ':')
        n++;
    size_t colon = n;
    while (colon < len && (line[colon] == ' ' || line[colon] == '\t'))
        colon++;
    return n <= HEADER_NAME_MAX && colon < len && line[colon] == ':' ? n : 0;
}

/* Settles the line end, CRs and NULs of one line, or the beginning of one. */
static void clean(struct str *line, const char *data, size_t len)
{
    bool pending_cr = false;
    str_truncate(line, 0);
    str_reserve(line, len + 1);
    size_t end = len > 0 && data[len - 1] == '\n' ? len - 1 : len;
    end -= end > 0 && data[end - 1] == '\r';
    if (len > 0 && !memchr(data, '\r', end) &&
        !memchr(data, '\0', end)) { /* nearly all are like that */
        str_add_n(line, data, end);
        return;
    }
    for (size_t i = 0; i < len; i++) {
        if (data[i] == '\r') {
            pending_cr = true;
        } else if (data[i] != '\0' && data[i] != '\n') {
            if (pending_cr)
                line->data[line->len++] = ' ';
            pending_cr = false;
            line->data[line->len++] = data[i];
        }
    }
    line->data[line->len] = '\0';
}

static bool is_all_blank(const char *text)
{
    return text[strspn(text, " \t")] == '\0';
}

static bool is_mbox_line(const char *line)
{
    if (*line == '>')
        line++;
    if (strncmp(line, "From ", 5) != 0)
        return false;
    return line[4 + strspn(line + 4, " \t")] != ':';
}

static enum kind classify(struct reader *reader)
{
    const struct str *line = &reader->line;
    const char *text = str_text(line);
    reader->name_len = 0;
    if (line->len == 0)
        return LINE_BLANK;
    if (!reader->name.len && is_mbox_line(text))
        return LINE_MBOX;
    if (*text == ' ' || *text == '\t')
        return reader->name.len ? LINE_FOLD : LINE_TEXT;
    reader->name_len = name_length(text, line->len);
    return reader->name_len ? LINE_FIELD : LINE_TEXT;
}

static void add_present_field(struct reader *reader)
{
    struct header *header = reader->header;
    if (reader->name.len == 0)
        return;
    header->field = memory_grow(header->field, header->n, &header->size, sizeof *header->field);
    header->field[header->n++] =
        (struct field){.name = str_take(&reader->name), .value = str_take(&reader->value)};
}

static void take_line(struct reader *reader, enum kind kind)
{
    const char *text = str_text(&reader->line);
    if (kind == LINE_MBOX)
        reader->mbox = true;
    if (kind == LINE_FOLD && !is_all_blank(text)) {
        str_add_char(&reader->value, '\n');
        str_add_n(&reader->value, text, reader->line.len);
    }
    if (kind != LINE_FIELD)
        return;
    add_present_field(reader);
    const char *value = strchr(text, ':') + 1;
    str_add_n(&reader->name, text, reader->name_len);
    str_add_n(&reader->value, value, reader->line.len - (size_t)(value - text));
    if (!reader->known)
        reader->known = header_is_one_of(reader->name.data, known_fields,
                                         sizeof known_fields / sizeof *known_fields);
}

/* Appends to LINE the pieces that follow its first one. */
static bool read_rest(struct reader *reader, struct str *line, struct error *err)
{
    const char *data;
    size_t len;
    do {
        if (!source_piece(reader->src, &data, &len, err))
            return false;
        str_add_n(line, data, len);
        if (!reader->known)
            str_add_n(&reader->raw, data, len);
        reader->total += len;
    } while (len > 0 && data[len - 1] != '\n' && line->len <= HEADER_MAX);
    return true;
}

/* Reads one line into the header. *GO becomes false where the header ends. */
static bool read_line(struct reader *reader, bool *go, struct error *err)
{
    const char *data;
    size_t len;
    if (!source_piece(reader->src, &data, &len, err))
        return false;
    clean(&reader->line, data, len);
    bool partial = len == SOURCE_BUFFER && data[len - 1] != '\n';
    enum kind kind = classify(reader);
    if (kind == LINE_BLANK && partial)
        kind = LINE_TEXT; /* NULs */
    if (kind == LINE_TEXT)
        str_add_n(&reader->header->text, data, len);
    else if (!reader->known)
        str_add_n(&reader->raw, data, len);
    reader->total += len;
    reader->blank = kind == LINE_BLANK && len > 0;
    *go = kind != LINE_BLANK && kind != LINE_TEXT;
    if (*go && partial) {
        struct str whole = {0};
        str_add_n(&whole, data, len);
        bool ok = read_rest(reader, &whole, err);
        clean(&reader->line, whole.data, whole.len);
        str_clear(&whole);
        if (!ok)
            return false;
    }
    take_line(reader, kind);
    return true;
}

static bool read_fields(struct reader *reader, struct error *err)
{
    for (bool go = true; go;) {
        if (!read_line(reader, &go, err))
            return false;
        if (reader->known)
            str_clear(&reader->raw);
        else if (reader->raw.len > HEADER_UNKNOWN_MAX)
            return true;
        if (reader->total > HEADER_MAX)
            return error_set(err, ERROR_MESSAGE, ERROR_PERMANENT, EX_DATAERR,
                             "the header is larger than %d octets", HEADER_MAX);
    }
    add_present_field(reader);
    return true;
}

/* Nothing known was seen: what looked like a header is text, and comes first. */
static void make_absent(struct reader *reader)
{
    struct header *header = reader->header;
    struct str text = reader->raw;
    reader->raw = (struct str){0};
    str_add_n(&text, str_text(&header->text), header->text.len);
    header_clear(header);
    header->text = text;
    header->absent = true;
}

/* A byte order mark in front is how some editors mark a file as UTF-8 (RFC 3629, 6); it is neither
 * part of the first field's name nor text. */
static bool skip_byte_order_mark(struct source *src, struct error *err)
{
    static const char mark[] = "\xef\xbb\xbf";
    const char *data;
    size_t len;
    if (!source_piece(src, &data, &len, err))
        return false;
    bool marked = len >= sizeof mark - 1 && memcmp(data, mark, sizeof mark - 1) == 0;
    source_unread(src, marked ? len - (sizeof mark - 1) : len);
    return true;
}

bool header_read(struct header *header, struct source *src, struct error *err)
{
    struct reader reader = {.header = header, .src = src};
    bool ok = skip_byte_order_mark(src, err) && read_fields(&reader, err);
    bool only_blank = reader.blank && header->n == 0 && !reader.mbox;
    if (ok && !reader.known && !only_blank)
        make_absent(&reader);
    str_clear(&reader.line);
    str_clear(&reader.name);
    str_clear(&reader.value);
    str_clear(&reader.raw);
    return ok;
}

static ssize_t read_content(void *context, void *buffer, size_t len, struct error *err)
{
    size_t got;
    return content_read(context, buffer, len, &got, err) ? (ssize_t)got : -1;
}

bool header_read_content(struct header *header, const struct content *content, uint64_t *rest,
                         struct error *err)
{
    struct content_cursor from = {.content = content};
    struct source source = {.fd = -1, .read = read_content, .context = &from};
    bool ok = header_read(header, &source, err);
    *rest = from.at - (source.end - source.start) - header->text.len;
    source_clear(&source);
    return ok;
}
