#include "config.h"
#include "message/mimeheader.h"

#include <string.h>
#include <strings.h>

struct scan {
    const char *at, *end;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Blanks, folds and comments (RFC 5322, 3.2.2). */
static void skip_space(struct scan *scan)
{
    int depth = 0;
    for (; scan->at < scan->end; scan->at++) {
        char c = *scan->at;
        if (c == '\\' && depth > 0 && scan->at + 1 < scan->end)
            scan->at++;
        else if (c == '(')
            depth++;
        else if (c == ')' && depth > 0)
            depth--;
        else if (depth == 0 && !is_space(c))
            return;
    }
}

/* Copies a token or a quoted string into WORD, which stays empty if it has no room. */
static void take_word(struct scan *scan, char *word, size_t size)
{
    size_t n = 0;
    skip_space(scan);
    bool quoted = scan->at < scan->end && *scan->at == '"';
    for (scan->at += quoted; scan->at < scan->end; scan->at++) {
        char c = *scan->at;
        if (quoted ? c == '"' : is_space(c) || c == ';' || c == '=' || c == '/' || c == '(')
            break;
        if (quoted && c == '\\' && scan->at + 1 < scan->end)
            c = *++scan->at;
        if (n < size)
            word[n] = c;
        n++;
    }
    scan->at += quoted && scan->at < scan->end;
    word[n < size ? n : 0] = '\0';
}

static bool take_sign(struct scan *scan, char sign)
{
    skip_space(scan);
    if (scan->at == scan->end || *scan->at != sign)
        return false;
    scan->at++;
    return true;
}

static void take_parameters(struct mime_header *header, struct scan *scan)
{
    char name[16], other[MIME_BOUNDARY_MAX + 1];
    while (scan->at < scan->end) {
        if (!take_sign(scan, ';')) {
            scan->at++; /* nothing that belongs here */
            continue;
        }
        take_word(scan, name, sizeof name);
        bool wanted = strcasecmp(name, "boundary") == 0 && !*header->boundary;
        if (take_sign(scan, '='))
            take_word(scan, wanted ? header->boundary : other, sizeof other);
    }
    size_t len = strlen(header->boundary);
    while (len > 0 && is_space(header->boundary[len - 1])) /* it may not end so (RFC 2046) */
        header->boundary[--len] = '\0';
}

static void take_type(struct mime_header *header, struct scan *scan)
{
    char type[32], subtype[32] = "";
    if (header->has_type)
        return;
    take_word(scan, type, sizeof type);
    if (!*type)
        return;
    if (take_sign(scan, '/'))
        take_word(scan, subtype, sizeof subtype);
    header->has_type = true;
    take_parameters(header, scan);
    bool is_message = strcasecmp(subtype, "rfc822") == 0 || strcasecmp(subtype, "global") == 0 ||
                      strcasecmp(subtype, "news") == 0;
    if (strcasecmp(type, "text") == 0)
        header->kind = MIME_TEXT;
    else if (strcasecmp(type, "message") == 0 && is_message)
        header->kind = MIME_MESSAGE;
    else if (strcasecmp(type, "multipart") == 0 && *header->boundary)
        header->kind = strcasecmp(subtype, "signed") == 0 ? MIME_SIGNED : MIME_MULTIPART;
    else
        header->kind = MIME_DATA;
    header->digest = strcasecmp(subtype, "digest") == 0;
}

static void take_encoding(struct mime_header *header, struct scan *scan)
{
    char word[32];
    take_word(scan, word, sizeof word);
    header->says_8bit = strcasecmp(word, "8bit") == 0 || strcasecmp(word, "binary") == 0;
    if (strcasecmp(word, "quoted-printable") == 0)
        header->encoding = MIME_QUOTED_PRINTABLE;
    else if (strcasecmp(word, "base64") == 0)
        header->encoding = MIME_BASE64;
}

bool mimeheader_is(const char *field, size_t len, const char *name)
{
    size_t n = strlen(name);
    if (len < n || strncasecmp(field, name, n) != 0)
        return false;
    while (n < len && (field[n] == ' ' || field[n] == '\t'))
        n++;
    return n < len && field[n] == ':';
}

void mimeheader_take(struct mime_header *header, const char *field, size_t len)
{
    const char *colon = memchr(field, ':', len);
    size_t used = len < MIME_FIELD_MAX ? len : MIME_FIELD_MAX;
    if (!colon || colon >= field + used)
        return;
    struct scan scan = {colon + 1, field + used};
    if (mimeheader_is(field, len, "MIME-Version"))
        header->has_version = true;
    else if (mimeheader_is(field, len, "Content-Type"))
        take_type(header, &scan);
    else if (mimeheader_is(field, len, "Content-Transfer-Encoding"))
        take_encoding(header, &scan);
}
