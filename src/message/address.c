#include "config.h"
#include "message/address.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/escape.h"
#include "base/idna.h"
#include "message/encodedword.h"

void address_list_clear(struct address_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free(list->item[i].mailbox);
        free(list->item[i].display);
    }
    free(list->item);
    *list = (struct address_list){0};
}

size_t address_local_length(const char *mailbox)
{
    const char *at = strrchr(mailbox, '@');
    bool quoted = false;
    if (!strchr(mailbox, '"') && !strchr(mailbox, '\\'))
        return at ? (size_t)(at - mailbox) : strlen(mailbox);
    at = NULL;
    for (const char *p = mailbox; *p; p++) {
        if (*p == '\\' && p[1])
            p++;
        else if (*p == '"')
            quoted = !quoted;
        else if (*p == '@' && !quoted)
            at = p;
    }
    if (quoted) /* not balanced: then a quote is no quote */
        at = strrchr(mailbox, '@');
    return at ? (size_t)(at - mailbox) : strlen(mailbox);
}

const char *address_domain(const char *mailbox)
{
    const char *end = mailbox + address_local_length(mailbox);
    return *end ? end + 1 : end;
}

bool address_equal(const char *a, const char *b, bool fold_local)
{
    size_t len = address_local_length(a);
    if (address_local_length(b) != len)
        return false;
    if ((fold_local ? strncasecmp(a, b, len) : strncmp(a, b, len)) != 0)
        return false;
    return strcasecmp(a + len, b + len) == 0;
}

/* Whether a display name can be written without quotes (RFC 5322, 3.2.3: atoms and blanks). */
static bool is_plain_phrase(const char *name)
{
    for (const char *p = name; *p; p++)
        if (strchr("()<>[]:;@\\,.\"", *p) || (*p == ' ' && (p == name || !p[1] || p[1] == ' ')))
            return false;
    return true;
}

static void add_quoted(struct str *out, const char *name)
{
    str_add_char(out, '"');
    for (const char *p = name; *p; p++) {
        if (*p == '"' || *p == '\\')
            str_add_char(out, '\\');
        str_add_char(out, *p);
    }
    str_add_char(out, '"');
}

/* A name comes from arguments and from the password database: here its line ends die. */
static void add_printable(struct str *out, const char *text)
{
    for (const char *p = text; *p; p++)
        str_add_char(out, (unsigned char)*p < 32 || *p == 127 ? ' ' : *p);
}

void address_format(struct str *out, const char *name, const char *mailbox)
{
    struct str clean = {0};
    add_printable(&clean, name);
    if (!escape_is_ascii(name))
        encodedword_add(out, name, strlen(name));
    else if (is_plain_phrase(str_text(&clean)))
        str_add(out, str_text(&clean));
    else
        add_quoted(out, clean.data);
    if (*name)
        str_add(out, " <");
    str_add(out, mailbox);
    if (*name)
        str_add_char(out, '>');
    str_clear(&clean);
}

void address_list_format(struct str *out, const struct address_list *list)
{
    enum { NAME = 12, WIDTH = 76 }; /* RFC 5322, 2.1.1: 78 with the comma */
    size_t column = NAME;
    bool first = true;
    for (size_t i = 0; i < list->n; i++) {
        struct str item = {0};
        address_format(&item, list->item[i].display, list->item[i].mailbox);
        if (item.len == 0)
            continue; /* "<>": behind a fold a blank line, the end of the header for some */
        bool fold = !first && column + item.len > WIDTH;
        str_add(out, first ? "" : fold ? ",\n " : ", ");
        first = false;
        column = (fold ? 1 : column + 2) + item.len;
        str_add_n(out, str_text(&item), item.len);
        str_clear(&item);
    }
}

void address_encode_text(struct str *out, const char *text)
{
    if (escape_is_ascii(text))
        add_printable(out, text);
    else
        encodedword_add(out, text, strlen(text));
}

bool address_to_alabel(struct str *out, const char *mailbox)
{
    const char *domain = address_domain(mailbox);
    struct str labels = {0};
    bool ok = idna_to_alabels(&labels, domain);
    if (ok) {
        str_add_n(out, mailbox, *domain ? (size_t)(domain - mailbox) : strlen(mailbox));
        str_add(out, str_text(&labels));
    }
    str_clear(&labels);
    return ok;
}
