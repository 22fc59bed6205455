#include "config.h"
#include "message/downgrade.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/escape.h"
#include "base/memory.h"
#include "message/encodedword.h"
#include "message/linereader.h"
#include "message/mimeheader.h"
#include "message/transferencoding.h"

enum {
    DEPTH_MAX = 32, /* multiparts inside each other; deeper ones are data */
    WORD_MAX = 76,  /* octets of an encoded word (RFC 2047, 2) */
};

struct level {
    char boundary[MIME_BOUNDARY_MAX + 1];
    bool digest;
};

struct body_facts {
    uint64_t octets, eight;
    bool utf8;
};

struct downgrade {
    const struct content *in;
    struct line_reader reader, look; /* the second one looks ahead */
    struct level level[DEPTH_MAX];
    size_t depth;
    /* the entity whose header or body this is */
    struct mime_header entity;
    const char *encoding; /* it gets, NULL: it keeps its own */
    const char *type;     /* likewise */
    bool is_message;      /* not a body part */
    enum encoding_form form;
    /* the place in it */
    bool in_header, ended;
    bool skips;        /* a field that is replaced */
    bool unstructured; /* the field is */
    bool encoded;      /* the last word was */
    struct encoder encoder;
    struct str out; /* what was made and not yet given */
    uint64_t given; /* octets */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static size_t without_line_end(const char *line, size_t len)
{
    while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
        len--;
    return len;
}

/* Whether LINE is a boundary of a multipart that is open: *LEVEL is its place, the innermost first.
 * A part whose end is missing ends with the one around it (RFC 2046, 5.1.2). */
static bool is_boundary(const struct downgrade *d, const char *line, size_t len, size_t *level,
                        bool *closes)
{
    if (len < 2 || line[0] != '-' || line[1] != '-')
        return false;
    for (size_t i = d->depth; i-- > 0;) {
        size_t n = strlen(d->level[i].boundary), at = 2 + n;
        if (len < at || memcmp(line + 2, d->level[i].boundary, n) != 0)
            continue;
        *closes = len >= at + 2 && line[at] == '-' && line[at + 1] == '-';
        at += *closes ? 2 : 0;
        size_t end = without_line_end(line, len);
        while (at < end && is_blank(line[at]))
            at++;
        *level = i;
        if (at >= end)
            return true;
    }
    return false;
}

/* Reads the header at the present place, and finds where the body begins. */
static bool look_at_header(struct downgrade *d, uint64_t *body, struct error *err)
{
    struct str field = {0};
    const char *line;
    size_t len, level;
    bool ok = true, closes;
    d->entity = (struct mime_header){.kind = MIME_TEXT};
    linereader_start(&d->look, d->in, linereader_position(&d->reader));
    do {
        *body = linereader_position(&d->look);
        ok = linereader_next(&d->look, &line, &len, err);
        bool ends = !ok || without_line_end(line, len) == 0;
        if (ends || !is_blank(*line)) {
            mimeheader_take(&d->entity, str_text(&field), field.len);
            str_truncate(&field, 0);
        }
        if (ends || is_boundary(d, line, len, &level, &closes))
            break;
        if (field.len < MIME_FIELD_MAX)
            str_add_n(&field, line, len);
    } while (true);
    if (ok && len > 0 && without_line_end(line, len) == 0)
        *body += len;
    str_clear(&field);
    return ok;
}

static bool look_at_body(struct downgrade *d, uint64_t at, struct body_facts *facts,
                         struct error *err)
{
    const char *line;
    size_t len, level;
    bool closes;
    *facts = (struct body_facts){.utf8 = true};
    linereader_start(&d->look, d->in, at);
    for (;;) {
        if (!linereader_next(&d->look, &line, &len, err))
            return false;
        if (len == 0 || is_boundary(d, line, len, &level, &closes))
            return true;
        facts->octets += len;
        for (size_t i = 0; i < len; i++)
            facts->eight += (unsigned char)line[i] > 127;
        facts->utf8 = facts->utf8 && escape_is_utf8(line, len);
    }
}

static bool refuse_signed(struct error *err)
{
    (void)error_set(err, ERROR_MESSAGE, ERROR_PERMANENT, EX_UNAVAILABLE,
                    "the server takes no 8-bit content (it does not offer 8BITMIME), and a signed "
                    "message cannot be converted without breaking its signature");
    (void)snprintf(err->status, sizeof err->status, "5.6.3");
    return false;
}

/* Base64 where it is shorter, for the text of most scripts but the Latin one. */
static void encode_leaf(struct downgrade *d, const struct body_facts *facts)
{
    bool text = d->entity.kind == MIME_TEXT;
    bool quoted = text && facts->eight * 2 <= facts->octets / 3;
    d->form = quoted ? ENCODING_QUOTED : ENCODING_BASE64;
    d->encoding = quoted ? "quoted-printable" : "base64";
    if (!d->entity.has_type)
        d->type = facts->utf8 ? "text/plain; charset=utf-8" : "text/plain; charset=unknown-8bit";
    if (d->entity.encoding == MIME_UNENCODED)
        return;
    d->encoding = d->type = NULL;
    d->form = d->entity.encoding == MIME_BASE64 ? ENCODING_MEND_BASE64 : ENCODING_MEND_QUOTED;
}

/* At the header of a message or of a body part: decides what becomes of it. */
static bool begin_entity(struct downgrade *d, bool is_message, struct error *err)
{
    uint64_t body;
    struct body_facts facts = {0};
    if (!look_at_header(d, &body, err))
        return false;
    struct mime_header *entity = &d->entity;
    if (!is_message && !entity->has_type && d->depth > 0 && d->level[d->depth - 1].digest)
        entity->kind = MIME_MESSAGE;
    if ((entity->kind == MIME_MULTIPART && d->depth == DEPTH_MAX) ||
        (entity->kind == MIME_MESSAGE && entity->encoding != MIME_UNENCODED))
        entity->kind = MIME_DATA;
    bool whole = entity->kind == MIME_MULTIPART || entity->kind == MIME_MESSAGE;
    if (!whole && !look_at_body(d, body, &facts, err))
        return false;
    if (entity->kind == MIME_SIGNED && facts.eight > 0)
        return refuse_signed(err);
    d->is_message = is_message;
    d->in_header = true;
    d->skips = d->encoded = d->unstructured = false;
    d->encoding = whole && entity->says_8bit ? "7bit" : NULL;
    d->type = NULL;
    d->form = entity->kind == MIME_MULTIPART ? ENCODING_MASK : ENCODING_NONE;
    if (facts.eight > 0)
        encode_leaf(d, &facts);
    return true;
}

/* The end of the words from AT on that belong together: words with 8-bit octets, and blanks. */
static size_t run_end(const char *text, size_t len, size_t at, const char *delimiters)
{
    size_t end = at;
    while (at < len) {
        size_t word = at;
        while (word < len && is_blank(text[word]))
            word++;
        at = word;
        while (at < len && !strchr(delimiters, text[at]))
            at++;
        if (!escape_has_8bit(text + word, at - word))
            break;
        end = at;
    }
    return end;
}

/* Folds where N octets more would be too many: many short words grow in a line that was long. */
static void make_room(struct downgrade *d, size_t n)
{
    const char *out = str_text(&d->out);
    const char *newline = d->out.len > 0 ? memrchr(out, '\n', d->out.len) : NULL;
    size_t column = d->out.len - (newline ? (size_t)(newline + 1 - out) : 0);
    if (column > 1 && column + n > CONTENT_LINE_MAX - WORD_MAX)
        str_add(&d->out, "\r\n ");
}

/* Blanks between two encoded words do not count (RFC 2047, 6.2): across a fold it is put into the
 * word.
 */
static void add_encoded(struct downgrade *d, const char *text, size_t len)
{
    struct str payload = {0}, words = {0};
    make_room(d, WORD_MAX);
    str_add(&payload, d->encoded ? " " : "");
    str_add_n(&payload, text, len);
    encodedword_add(&words, str_text(&payload), payload.len);
    for (size_t i = 0; i < words.len; i++) {
        if (words.data[i] == '\n')
            str_add_char(&d->out, '\r');
        str_add_char(&d->out, words.data[i]);
    }
    d->encoded = true;
    str_clear(&payload);
    str_clear(&words);
}

/* A line of a field. Where the field has a syntax, words end at its signs too: what stands between
 * quotes is encoded between them, as nearly all programs read it. */
static void add_field_line(struct downgrade *d, const char *line, size_t len)
{
    const char *delimiters = d->unstructured ? " \t" : " \t\"<>(),;:=";
    size_t used = without_line_end(line, len);
    for (size_t i = 0; i < used;) {
        size_t end = run_end(line, used, i, delimiters);
        if (!is_blank(line[i]) && end > i) {
            add_encoded(d, line + i, end - i);
            i = end;
            continue;
        }
        end = i;
        while (end < used && !strchr(delimiters, line[end]))
            end++;
        end += end == i; /* a sign */
        d->encoded = d->encoded && is_blank(line[i]);
        make_room(d, end - i);
        str_add_n(&d->out, line + i, end - i);
        i = end;
    }
    str_add(&d->out, "\r\n");
}

static void add_new_fields(struct downgrade *d)
{
    if (d->is_message && !d->entity.has_version && (d->encoding || d->type))
        str_add(&d->out, "MIME-Version: 1.0\r\n");
    if (d->type)
        str_addf(&d->out, "Content-Type: %s\r\n", d->type);
    if (d->encoding)
        str_addf(&d->out, "Content-Transfer-Encoding: %s\r\n", d->encoding);
    d->in_header = false;
}

static bool end_header(struct downgrade *d, struct error *err)
{
    add_new_fields(d);
    str_add(&d->out, "\r\n");
    if (d->entity.kind == MIME_MESSAGE)
        return begin_entity(d, true, err);
    d->encoder = (struct encoder){.form = d->form};
    if (d->entity.kind == MIME_MULTIPART) {
        struct level *level = &d->level[d->depth++];
        memcpy(level->boundary, d->entity.boundary, sizeof level->boundary);
        level->digest = d->entity.digest;
    }
    return true;
}

static bool header_line(struct downgrade *d, const char *line, size_t len, struct error *err)
{
    static const char *const texts[] = {"Subject", "Comments", "Content-Description"};
    if (without_line_end(line, len) == 0)
        return end_header(d, err);
    if (!is_blank(*line)) {
        d->skips = d->encoding && mimeheader_is(line, len, "Content-Transfer-Encoding");
        d->encoded = false;
        d->unstructured = len > 2 && (line[0] | 0x20) == 'x' && line[1] == '-';
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
            d->unstructured = d->unstructured || mimeheader_is(line, len, texts[i]);
    }
    if (!d->skips && escape_has_8bit(line, len))
        add_field_line(d, line, len);
    else if (!d->skips)
        str_add_n(&d->out, line, len);
    return true;
}

static bool boundary_line(struct downgrade *d, size_t level, bool closes, const char *line,
                          size_t len)
{
    if (d->in_header)
        add_new_fields(d); /* a part without a body */
    encoder_end(&d->encoder, true, &d->out);
    str_add_n(&d->out, line, len);
    d->depth = level + !closes;
    d->encoder.form = ENCODING_MASK; /* behind the last part */
    return !closes;
}

/* Takes one line. */
static bool step(struct downgrade *d, struct error *err)
{
    const char *line;
    size_t len, level;
    bool closes;
    if (!linereader_next(&d->reader, &line, &len, err))
        return false;
    if (len == 0) {
        if (d->in_header)
            add_new_fields(d);
        encoder_end(&d->encoder, false, &d->out);
        d->ended = true;
        return true;
    }
    if (is_boundary(d, line, len, &level, &closes))
        return !boundary_line(d, level, closes, line, len) || begin_entity(d, false, err);
    if (d->in_header)
        return header_line(d, line, len, err);
    encoder_add(&d->encoder, line, len, &d->out);
    return true;
}

static bool restart(struct downgrade *d, struct error *err)
{
    linereader_start(&d->reader, d->in, 0);
    d->depth = 0;
    d->given = 0;
    d->ended = false;
    d->encoder = (struct encoder){.form = ENCODING_NONE};
    str_truncate(&d->out, 0);
    return begin_entity(d, true, err);
}

static bool pull(void *context, uint64_t position, void *buffer, size_t *len, struct error *err)
{
    struct downgrade *d = context;
    size_t wanted = *len;
    if (position < d->given && !restart(d, err))
        return false;
    while (!d->ended && d->given + d->out.len < position + wanted) {
        if (!step(d, err))
            return false;
        size_t past = position > d->given ? (size_t)(position - d->given) : 0;
        past = past < d->out.len ? past : d->out.len;
        str_consume(&d->out, past);
        d->given += past;
    }
    *len = d->out.len < wanted ? d->out.len : wanted;
    memcpy(buffer, str_text(&d->out), *len);
    str_consume(&d->out, *len);
    d->given += *len;
    return true;
}

struct downgrade *downgrade_open(const struct content *in, struct content *out, struct error *err)
{
    struct downgrade *d = memory_new(sizeof *d);
    d->in = in;
    bool ok = restart(d, err);
    while (ok && !d->ended) {
        ok = step(d, err);
        d->given += d->out.len;
        str_truncate(&d->out, 0);
    }
    d->given += d->out.len;
    *out = (struct content){.size = d->given, .convert = pull, .context = d};
    d->given = UINT64_MAX; /* the first reading starts over */
    if (ok)
        return d;
    downgrade_free(d);
    return NULL;
}

void downgrade_free(struct downgrade *d)
{
    if (d)
        str_clear(&d->out);
    free(d);
}
