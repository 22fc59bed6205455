#include "config.h"
#include "message/header.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/escape.h"
#include "base/memory.h"
#include "message/content.h"

/* Most names differ in the first letter, and each is compared with many. */
static bool begin_alike(const char *a, const char *b)
{
    return ((*a ^ *b) & ~('a' ^ 'A')) == 0;
}

bool header_is_name(const char *name, const char *wanted)
{
    return begin_alike(name, wanted) && strcasecmp(name, wanted) == 0;
}

bool header_is_one_of(const char *name, const char *const *wanted, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!begin_alike(name, wanted[i]))
            continue;
        size_t len = strlen(wanted[i]);
        bool prefix = wanted[i][len - 1] == '-';
        if (prefix ? strncasecmp(name, wanted[i], len) == 0 : strcasecmp(name, wanted[i]) == 0)
            return true;
    }
    return false;
}

size_t header_find(const struct header *header, const char *name, size_t from)
{
    for (size_t i = from; i < header->n; i++)
        if (header_is_name(header->field[i].name, name))
            return i;
    return header->n;
}

const char *header_value(const struct header *header, const char *name)
{
    size_t at = header_find(header, name, 0);
    return at < header->n ? header->field[at].value : NULL;
}

static void field_clear(struct field *field)
{
    free(field->name);
    free(field->value);
}

size_t header_remove(struct header *header, const char *name)
{
    size_t kept = 0, n = header->n;
    for (size_t i = 0; i < n; i++) {
        if (header_is_name(header->field[i].name, name))
            field_clear(&header->field[i]);
        else
            header->field[kept++] = header->field[i];
    }
    header->n = kept;
    return n - kept;
}

void header_drop(struct header *header, size_t at)
{
    field_clear(&header->field[at]);
    header->n--;
    memmove(header->field + at, header->field + at + 1, (header->n - at) * sizeof *header->field);
}

/* The form of a value inside the header: a blank in front, and no line end that is not a fold. */
static char *make_value(const char *text)
{
    struct str value = {0};
    str_add_char(&value, ' ');
    for (const char *p = text; *p; p++) {
        bool fold = *p == '\n' && (p[1] == ' ' || p[1] == '\t');
        str_add_char(&value, *p == '\r' || (*p == '\n' && !fold) ? ' ' : *p);
    }
    return str_take(&value);
}

static void insert(struct header *header, size_t at, const char *name, const char *value)
{
    header->field = memory_grow(header->field, header->n, &header->size, sizeof *header->field);
    memmove(header->field + at + 1, header->field + at, (header->n - at) * sizeof *header->field);
    header->field[at] = (struct field){.name = memory_copy(name), .value = make_value(value)};
    header->n++;
}

void header_prepend(struct header *header, const char *name, const char *value)
{
    insert(header, 0, name, value);
}

void header_append(struct header *header, const char *name, const char *value)
{
    insert(header, header->n, name, value);
}

void header_replace(struct header *header, size_t at, const char *value)
{
    char *new = make_value(value);
    free(header->field[at].value);
    header->field[at].value = new;
}

static void field_addresses(const struct field *field, struct address_list *list)
{
    address_list_parse(list, field->value, strlen(field->value));
}

void header_addresses(const struct header *header, const char *name, struct address_list *list)
{
    for (size_t i = header_find(header, name, 0); i < header->n;
         i = header_find(header, name, i + 1))
        field_addresses(&header->field[i], list);
}

static bool is_resent_recipient(const char *name)
{
    return header_is_name(name, "Resent-To") || header_is_name(name, "Resent-Cc") ||
           header_is_name(name, "Resent-Bcc");
}

/* The first field with recipients of a resent message; header->n if it was not resent. */
static size_t find_resent(const struct header *header)
{
    for (size_t i = 0; i < header->n; i++) {
        struct address_list list = {0};
        if (!is_resent_recipient(header->field[i].name))
            continue;
        field_addresses(&header->field[i], &list);
        bool found = list.n > 0;
        address_list_clear(&list);
        if (found)
            return i;
    }
    return header->n;
}

bool header_is_resent(const struct header *header)
{
    return find_resent(header) < header->n;
}

void header_recipients(const struct header *header, struct address_list *list)
{
    size_t i = find_resent(header);
    if (i == header->n) {
        header_addresses(header, "To", list);
        header_addresses(header, "Cc", list);
        header_addresses(header, "Bcc", list);
        return;
    }
    for (; i < header->n && strncasecmp(header->field[i].name, "Resent-", 7) == 0; i++)
        if (is_resent_recipient(header->field[i].name))
            field_addresses(&header->field[i], list);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Appends one line and CRLF, folded where it is too long (RFC 5322, 2.1.1). The first KEEP octets
 * (the field name, or the blank of a fold) stay together. */
static void add_folded(struct str *out, const char *p, size_t len, size_t keep)
{
    size_t room = CONTENT_LINE_MAX, blanks = 0;
    if (len > room) { /* more than one blank in front of a long word might end as an empty line */
        while (keep + blanks < len && is_blank(p[keep + blanks]))
            blanks++;
        str_add_n(out, p, keep);
        if (blanks > 0)
            str_add_char(out, ' ');
        p += keep + blanks;
        len -= keep + blanks;
        room -= keep + 1;
    }
    while (len > room) {
        size_t cut = room;
        while (cut > 0 && !is_blank(p[cut]))
            cut--;
        if (cut == 0) /* an endless word: break it, but not inside a UTF-8 character */
            for (cut = room; cut > room - 4 && ((unsigned char)p[cut] & 0xc0) == 0x80;)
                cut--;
        size_t text = cut;
        while (is_blank(p[text - 1]))
            text--;
        str_add_n(out, p, text);
        for (; cut < len && is_blank(p[cut]); cut++)
            ;
        p += cut;
        len -= cut;
        str_add(out, len > 0 ? "\r\n " : "");
        room = CONTENT_LINE_MAX - 1;
    }
    str_add_n(out, p, len);
    str_add(out, "\r\n");
}

/* Ends the line that begins at START of OUT, as add_folded() does. */
static void end_line(struct str *out, size_t start, size_t keep)
{
    size_t len = out->len - start;
    if (len <= CONTENT_LINE_MAX) {
        str_add_n(out, "\r\n", 2);
        return;
    }
    struct str line = {0};
    str_add_n(&line, out->data + start, len);
    str_truncate(out, start);
    add_folded(out, line.data, len, keep);
    str_clear(&line);
}

static void add_field(struct str *out, const struct field *field)
{
    size_t start = out->len;
    str_add(out, field->name);
    str_add_char(out, ':');
    size_t keep = out->len - start;
    for (const char *p = field->value;; p++) {
        size_t len = (size_t)(strchrnul(p, '\n') - p);
        str_add_n(out, p, len);
        end_line(out, start, keep);
        p += len;
        if (!*p)
            return;
        start = out->len;
        keep = 1;
    }
}

bool header_write(const struct header *header, struct output *out, bool *has_8bit,
                  struct error *err)
{
    enum { BLOCK = 65536 };
    struct str text = {0};
    bool ok = true;
    *has_8bit = false;
    for (size_t i = 0; i < header->n && ok; i++) {
        add_field(&text, &header->field[i]);
        if (!escape_is_ascii(header->field[i].name) || !escape_is_ascii(header->field[i].value))
            *has_8bit = true;
        if (text.len > BLOCK) {
            ok = output_write(out, text.data, text.len, err);
            str_truncate(&text, 0);
        }
    }
    str_add(&text, "\r\n");
    ok = ok && output_write(out, text.data, text.len, err);
    str_clear(&text);
    return ok;
}

void header_clear(struct header *header)
{
    for (size_t i = 0; i < header->n; i++)
        field_clear(&header->field[i]);
    free(header->field);
    str_clear(&header->text);
    *header = (struct header){0};
}
