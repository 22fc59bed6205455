#include "config.h"
#include "message/body.h"

#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/memory.h"
#include "message/content.h"

enum {
    CHUNK = 68 * 1024,          /* 64 kB of lines with LF leave in one write */
    EASY = CONTENT_LINE_MAX - 3 /* columns where every UTF-8 character fits */
};

/* What leaves is gathered here, so that the output gets large blocks. */
struct chunk {
    struct body *body;
    struct output *out;
    struct error *err;
    bool failed;
    size_t used;
    char data[CHUNK];
};

static bool chunk_flush(struct chunk *chunk)
{
    if (chunk->used > 0 && !chunk->failed &&
        !output_write(chunk->out, chunk->data, chunk->used, chunk->err))
        chunk->failed = true;
    chunk->body->written += chunk->used;
    chunk->used = 0;
    return !chunk->failed;
}

static void chunk_add(struct chunk *chunk, const char *data, size_t len)
{
    while (len > 0) {
        size_t n = CHUNK - chunk->used < len ? CHUNK - chunk->used : len;
        memcpy(chunk->data + chunk->used, data, n);
        chunk->used += n;
        data += n;
        len -= n;
        if (chunk->used == CHUNK)
            (void)chunk_flush(chunk); /* remembered in failed */
    }
}

static void end_line(struct chunk *chunk)
{
    chunk_add(chunk, "\r\n", 2);
    chunk->body->column = 0;
}

/* Octets of the UTF-8 character that C begins; 1 if it begins none. */
static size_t character_length(char c)
{
    unsigned char lead = (unsigned char)c;
    return lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
}

/* Text without any line end. Where a line breaks depends on column and octet alone, never on how
 * the text came in pieces: so the last columns are gone through one by one. */
static void add_text(struct chunk *chunk, const char *data, size_t len)
{
    struct body *body = chunk->body;
    while (len > 0) {
        size_t n = 1;
        if (body->column < EASY)
            n = EASY - body->column < len ? EASY - body->column : len;
        else if (body->column + character_length(*data) > CONTENT_LINE_MAX)
            end_line(chunk);
        chunk_add(chunk, data, n);
        body->column += n;
        data += n;
        len -= n;
    }
}

/* The octets between two newlines, or a part of them. */
static void add_line(struct chunk *chunk, const char *data, size_t len, bool may_have_cr)
{
    while (len > 0) {
        const char *cr = may_have_cr ? memchr(data, '\r', len) : NULL;
        size_t n = cr ? (size_t)(cr - data) : len;
        if (n > 0 && chunk->body->pending_cr) {
            chunk->body->pending_cr = false;
            add_text(chunk, " ", 1);
        }
        add_text(chunk, data, n);
        if (cr) {
            chunk->body->pending_cr = true;
            n++;
        }
        data += n;
        len -= n;
    }
}

/* The line that nearly all are, in one copy: whole, short, with no CR but at its end. */
static bool add_plain_line(struct chunk *chunk, const char *data, size_t len, bool may_have_cr)
{
    const char *cr = may_have_cr ? memchr(data, '\r', len) : NULL;
    if (cr && cr + 1 != data + len)
        return false;
    len -= cr != NULL;
    if (len > EASY || chunk->used + len + 2 > CHUNK || chunk->body->column > 0 ||
        chunk->body->pending_cr)
        return false;
    memcpy(chunk->data + chunk->used, data, len);
    memcpy(chunk->data + chunk->used + len, "\r\n", 2);
    chunk->used += len + 2;
    return true;
}

/* Any octets but NUL. */
static void add_stretch(struct chunk *chunk, const char *data, size_t len)
{
    bool may_have_cr = memchr(data, '\r', len) != NULL;
    const char *end = data + len, *newline;
    while (data < end && (newline = memchr(data, '\n', (size_t)(end - data)))) {
        size_t n = (size_t)(newline - data);
        if (!add_plain_line(chunk, data, n, may_have_cr)) {
            add_line(chunk, data, n, may_have_cr);
            chunk->body->pending_cr = false;
            end_line(chunk);
        }
        data = newline + 1;
    }
    add_line(chunk, data, (size_t)(end - data), may_have_cr);
}

bool body_add(struct body *body, const char *data, size_t len, struct output *out,
              struct error *err)
{
    struct chunk *chunk = memory_resize(NULL, 1, sizeof *chunk); /* too large for a stack */
    chunk->body = body;
    chunk->out = out;
    chunk->err = err;
    chunk->failed = false;
    chunk->used = 0;
    if (!body->has_8bit)
        body->has_8bit = escape_has_8bit(data, len);
    while (len > 0 && !chunk->failed) {
        const char *nul = memchr(data, '\0', len);
        size_t n = nul ? (size_t)(nul - data) : len;
        if (n > 0)
            add_stretch(chunk, data, n);
        data += n;
        len -= n;
        for (; len > 0 && *data == '\0'; len--)
            data++;
    }
    bool ok = chunk_flush(chunk);
    free(chunk);
    return ok;
}

bool body_end(struct body *body, struct output *out, struct error *err)
{
    body->pending_cr = false;
    if (body->column == 0)
        return true;
    body->column = 0;
    body->written += 2;
    return output_write(out, "\r\n", 2, err);
}

bool body_copy(struct body *body, struct source *src, struct output *out, struct error *err)
{
    const char *data;
    size_t len;
    do {
        if (!(src->lone_dot_ends ? source_piece : source_block)(src, &data, &len, err))
            return false;
        if (len > 0 && !body_add(body, data, len, out, err))
            return false;
    } while (len > 0);
    return body_end(body, out, err);
}
