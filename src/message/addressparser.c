#include "config.h"
#include "message/address.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { LITERAL_MAX = 64 }; /* octets of a domain literal: [IPv6:...] */

/* A mailbox while it is put together. Quotes go in the reading and come back where they must. */
struct mailbox {
    struct str text;
    bool has_at;
    size_t at;         /* the last '@' that was not quoted */
    bool quoted_local; /* something before it was quoted */
    bool quoted;       /* something since then was */
    bool gap;          /* a blank or a comment came before what comes next */
};

struct parser {
    const char *p, *end;
    struct address_list *list;
    struct mailbox mailbox; /* of this address, as far as it is known */
    struct str phrase;      /* words so far, which are a display name if an angle follows */
    struct str comment;     /* the last one */
    bool in_angle;          /* between angle brackets, where no words are a name */
    bool angle;             /* mailbox stood in angle brackets and is complete */
    bool open_comments;     /* some '(' is never closed */
    bool open_quotes;       /* the same for '"' */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* strchr(3) would find the NUL of the set. */
static bool is_one_of(char c, const char *set)
{
    return c && strchr(set, c);
}

static bool is_control(char c)
{
    return (unsigned char)c < 32 || c == 127;
}

/* The specials of RFC 5322, 3.2.3, but for the dot. */
static bool is_special(char c)
{
    switch (c) {
    case '"':
    case '(':
    case ')':
    case ',':
    case ':':
    case ';':
    case '<':
    case '>':
    case '@':
    case '[':
    case '\\':
    case ']':
        return true;
    default:
        return false;
    }
}

/* Where the text stops to be one field: at a newline that no blank follows. */
static const char *find_end(const char *text, size_t len)
{
    const char *end = text + len, *p = text;
    while (p < end && (p = memchr(p, '\n', (size_t)(end - p)))) {
        if (p + 1 == end || (p[1] != ' ' && p[1] != '\t'))
            return p;
        p++;
    }
    return end;
}

/* Settles the blanks in front of NEXT: they are allowed around dots and the '@' (RFC 5322, 4.4),
 * elsewhere they are a mistake. */
static void close_gap(struct mailbox *box, char next, bool quoted)
{
    size_t len = box->text.len;
    char last = len ? box->text.data[len - 1] : '\0';
    bool joins = (!quoted && is_one_of(next, "@.")) || is_one_of(last, "@.");
    if (len && !joins)
        str_add_char(&box->text, '_');
    box->gap = false;
}

static void mailbox_add(struct mailbox *box, char c, bool quoted)
{
    if (box->gap)
        close_gap(box, c, quoted);
    if (c == '@' && !quoted) {
        box->at = box->text.len;
        box->has_at = true;
        box->quoted_local |= box->quoted;
        box->quoted = false;
    } else if (quoted) {
        box->quoted = true;
        if (box->has_at && is_one_of(c, " \"<>\\,;:()@")) /* nothing can be quoted in a domain */
            c = '_';
    }
    str_add_char(&box->text, is_control(c) ? '_' : c);
}

static bool is_dot_atom(const char *text, size_t len)
{
    if (len == 0 || text[0] == '.' || text[len - 1] == '.')
        return false;
    for (size_t i = 0; i < len; i++)
        if (text[i] == ' ' || is_special(text[i]) || (text[i] == '.' && text[i + 1] == '.'))
            return false;
    return true;
}

/* Puts the local part, the first LOCAL octets of TEXT, into quotes. */
static void quote_local(struct str *text, size_t local)
{
    struct str out = {0};
    str_add_char(&out, '"');
    for (size_t i = 0; i < local; i++) {
        if (text->data[i] == '"' || text->data[i] == '\\')
            str_add_char(&out, '\\');
        str_add_char(&out, text->data[i]);
    }
    str_add_char(&out, '"');
    str_add(&out, str_text(text) + local);
    str_clear(text);
    *text = out;
}

/* The mailbox as RFC 5321 wants it. Empties BOX. */
static char *mailbox_take(struct mailbox *box)
{
    size_t local = box->has_at ? box->at : box->text.len;
    bool quoted = box->has_at ? box->quoted_local : box->quoted;
    if (quoted && !is_dot_atom(str_text(&box->text), local))
        quote_local(&box->text, local);
    char *mailbox = str_take(&box->text);
    *box = (struct mailbox){0};
    return mailbox;
}

/* Control characters to blanks, runs of blanks to one, none at the ends. */
static char *take_display(struct str *text)
{
    struct str out = {0};
    for (size_t i = 0; i < text->len; i++) {
        char c = is_control(text->data[i]) ? ' ' : text->data[i];
        if (c != ' ')
            str_add_char(&out, c);
        else if (out.len && out.data[out.len - 1] != ' ')
            str_add_char(&out, ' ');
    }
    if (out.len && out.data[out.len - 1] == ' ')
        str_truncate(&out, out.len - 1);
    str_truncate(text, 0);
    return str_take(&out);
}

/* Ends the address that is being read, if there is one. */
static void emit(struct parser *parser)
{
    struct address_list *list = parser->list;
    if (parser->angle || parser->mailbox.text.len || parser->mailbox.quoted) {
        list->item = memory_grow(list->item, list->n, &list->size, sizeof *list->item);
        bool phrase = parser->angle && parser->phrase.len;
        list->item[list->n++] = (struct address){
            .mailbox = mailbox_take(&parser->mailbox),
            .display = take_display(phrase ? &parser->phrase : &parser->comment),
        };
    }
    parser->mailbox.gap = false;
    parser->angle = false;
    str_truncate(&parser->phrase, 0);
    str_truncate(&parser->comment, 0);
}

/* The end of the comment that begins at P, NULL if it has none. */
static const char *comment_end(const char *p, const char *end)
{
    int depth = 0;
    for (; p < end; p++) {
        if (*p == '\\')
            p++;
        else if (*p == '(')
            depth++;
        else if (*p == ')' && --depth == 0)
            return p;
    }
    return NULL;
}

/* A comment that nobody closes must not swallow the addresses behind it: it ends at the comma. The
 * second search is not repeated, or a text of parentheses would take the square of its length. */
static void read_comment(struct parser *parser)
{
    const char *stop = parser->open_comments ? NULL : comment_end(parser->p, parser->end);
    bool closed = stop != NULL;
    if (!closed) {
        parser->open_comments = true;
        for (stop = parser->p + 1; stop < parser->end && !is_one_of(*stop, "),;>"); stop++)
            ;
        closed = stop < parser->end && *stop == ')';
    }
    str_truncate(&parser->comment, 0);
    for (const char *p = parser->p + 1; p < stop; p++) {
        if (*p == '\\' && p + 1 < stop)
            p++;
        str_add_char(&parser->comment, *p ? *p : ' ');
    }
    parser->mailbox.gap = true;
    parser->p = closed ? stop + 1 : stop;
}

static const char *quote_end(const char *p, const char *end)
{
    for (p++; p < end; p++) {
        if (*p == '\\')
            p++;
        else if (*p == '"')
            return p;
    }
    return NULL;
}

static void add_to_phrase(struct parser *parser, const char *text, size_t len)
{
    if (parser->in_angle)
        return;
    if (parser->mailbox.gap && parser->phrase.len)
        str_add_char(&parser->phrase, ' ');
    str_add_n(&parser->phrase, text, len);
}

static void add_octet(struct parser *parser, char c, bool quoted)
{
    if (!parser->angle) {
        add_to_phrase(parser, c ? &c : " ", 1);
        mailbox_add(&parser->mailbox, c, quoted);
    }
}

/* Octets at P that mean nothing but themselves: those of atoms (RFC 5322, 3.2.3), dots, UTF-8. */
static size_t atom_length(const char *p, const char *end)
{
    const char *start = p;
    while (p < end && (unsigned char)*p > ' ' && *p != 127 && !is_special(*p))
        p++;
    return (size_t)(p - start);
}

static void add_atom(struct parser *parser, const char *atom, size_t len)
{
    if (parser->angle)
        return;
    add_to_phrase(parser, atom, len);
    if (parser->mailbox.gap)
        close_gap(&parser->mailbox, *atom, false);
    str_add_n(&parser->mailbox.text, atom, len);
}

/* A quote that nobody closes is no quote. */
static void read_quoted(struct parser *parser)
{
    const char *stop = parser->open_quotes ? NULL : quote_end(parser->p, parser->end);
    if (!stop) {
        parser->open_quotes = true;
        parser->p++;
        return;
    }
    if (!parser->angle && stop == parser->p + 1)
        parser->mailbox.quoted = true;
    for (const char *p = parser->p + 1; p < stop; p++) {
        if (*p == '\\' && p + 1 < stop)
            p++;
        if (*p != '\n' && *p != '\r') /* a fold inside: its blank stays */
            add_octet(parser, *p, true);
    }
    parser->p = stop + 1;
}

/* A domain literal is one word, colons and all. */
static bool read_literal(struct parser *parser)
{
    const char *p = parser->p + 1;
    while (p < parser->end && p - parser->p < LITERAL_MAX && !is_one_of(*p, "],;<> \t\r\n\"\\("))
        p++;
    if (p == parser->end || *p != ']')
        return false;
    while (parser->p <= p)
        add_octet(parser, *parser->p++, false);
    return true;
}

/* A route, "@a,@b:", says which way to go: nobody takes it (RFC 5321, appendix C). */
static void skip_route(struct parser *parser)
{
    const char *p = parser->p;
    for (;;) {
        while (p < parser->end && is_blank(*p))
            p++;
        if (p == parser->end || *p != '@')
            return;
        while (p < parser->end && !is_one_of(*p, ",:<>;\"("))
            p++;
        if (p == parser->end || (*p != ',' && *p != ':'))
            return;
        if (*p++ == ':')
            break;
    }
    parser->p = p;
}

/* One step of what is inside and outside angle brackets alike. */
static void read_word(struct parser *parser)
{
    char c = *parser->p;
    size_t len = atom_length(parser->p, parser->end);
    if (len > 0) {
        add_atom(parser, parser->p, len);
        parser->p += len;
    } else if (is_blank(c)) {
        parser->mailbox.gap = true;
        parser->p++;
    } else if (c == '(') {
        read_comment(parser);
    } else if (c == '"') {
        read_quoted(parser);
    } else if (c == '\\' && parser->p + 1 < parser->end) {
        add_octet(parser, parser->p[1], true);
        parser->p += 2;
    } else if (c == '[' && read_literal(parser)) {
        return;
    } else {
        if (c != ')' && c != '\\' && c != '>') /* left over from something unbalanced */
            add_octet(parser, c, false);
        parser->p++;
    }
}

/* Reads "<mailbox>". The words before it were a display name after all. */
static void read_angle(struct parser *parser)
{
    if (parser->angle) /* "<a@b> <c@d>": somebody forgot a comma */
        emit(parser);
    parser->in_angle = true;
    str_truncate(&parser->mailbox.text, 0);
    struct str text = parser->mailbox.text;
    parser->mailbox = (struct mailbox){.text = text};
    parser->p++;
    skip_route(parser);
    while (parser->p < parser->end && !is_one_of(*parser->p, "<>,;"))
        read_word(parser);
    bool closed = parser->p < parser->end && *parser->p == '>';
    if (closed)
        parser->p++;
    parser->in_angle = false;
    parser->angle = closed || parser->mailbox.text.len || parser->mailbox.quoted;
}

void address_list_parse(struct address_list *list, const char *text, size_t len)
{
    struct parser parser = {.p = text, .end = find_end(text, len), .list = list};
    skip_route(&parser);
    while (parser.p < parser.end) {
        char c = *parser.p;
        if (c == ',' || c == ';') {
            emit(&parser);
            parser.p++;
        } else if (c == '<') {
            read_angle(&parser);
        } else if (c == ':' && !parser.angle && !parser.mailbox.has_at) {
            parser.mailbox.quoted = false; /* the name of a group */
            str_truncate(&parser.mailbox.text, 0);
            str_truncate(&parser.phrase, 0);
            str_truncate(&parser.comment, 0);
            parser.p++;
        } else {
            read_word(&parser);
        }
    }
    emit(&parser);
    str_clear(&parser.mailbox.text);
    str_clear(&parser.phrase);
    str_clear(&parser.comment);
}
