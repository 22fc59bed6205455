#include "config.h"
#include "smtp/transfer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static void note(struct wire *wire, const struct content *content)
{
    wire_mark(wire, TRACE_SENT, "[%" PRIu64 " octets of content]", content->size);
}

/* Reads a block to the end of OUT. */
static bool append(struct str *out, struct content_cursor *from, struct error *err)
{
    uint64_t left = from->content->size - from->at;
    size_t block = left < TRANSFER_BLOCK ? (size_t)left : TRANSFER_BLOCK, got;
    str_reserve(out, block);
    if (!content_read(from, out->data + out->len, block, &got, err))
        return false;
    out->len += got;
    out->data[out->len] = '\0';
    return true;
}

/* Appends DATA with a second dot in front of each line that begins with one. *IN_LINE: the octets
 * before it did not end a line. */
static void append_stuffed(struct str *out, bool *in_line, const char *data, size_t len)
{
    const char *end = data + len;
    str_reserve(out, len);
    if (len > 0 && !*in_line && *data == '.')
        str_add_char(out, '.');
    while (data < end) {
        const char *hit = memmem(data, (size_t)(end - data), "\n.", 2);
        const char *stop = hit ? hit + 1 : end;
        str_add_n(out, data, (size_t)(stop - data));
        if (hit) {
            str_add(out, "..");
            stop++;
        }
        data = stop;
    }
    if (len > 0)
        *in_line = end[-1] != '\n';
}

static bool begin_chunk(struct wire *wire, const struct content *content, struct error *err)
{
    if (!wire_command(wire, err, "BDAT %" PRIu64 " LAST", content->size))
        return false;
    wire_content_begins(wire, 1); /* the command's reply is the content's */
    note(wire, content);
    return true;
}

bool transfer_queue_chunk(struct wire *wire, const struct content *content, struct error *err)
{
    struct content_cursor from = {.content = content};
    if (!begin_chunk(wire, content, err))
        return false;
    while (from.at < content->size)
        if (!append(&wire->out, &from, err))
            return false;
    wire_content_ends(wire);
    return true;
}

static bool write_block(struct wire *wire, bool last, int64_t span, struct error *err)
{
    if (last)
        wire_content_ends(wire);
    return wire_flush(wire, span, err);
}

bool transfer_chunk(struct wire *wire, const struct content *content, int64_t span,
                    struct error *err)
{
    struct content_cursor from = {.content = content};
    if (!begin_chunk(wire, content, err))
        return false;
    bool ok;
    do
        ok = append(&wire->out, &from, err) &&
             write_block(wire, from.at >= content->size, span, err);
    while (ok && from.at < content->size);
    wire->broken = wire->broken || !ok;
    return ok;
}

bool transfer_queue_data(struct wire *wire, const struct content *content, size_t replies,
                         int64_t span, struct error *err)
{
    bool in_line = false;
    char *block = memory_new(TRANSFER_BLOCK);
    struct content_cursor from = {.content = content};
    size_t got = 0;
    wire_expect(wire, replies);
    wire_content_begins(wire, replies);
    note(wire, content);
    bool ok;
    do {
        ok = content_read(&from, block, TRANSFER_BLOCK, &got, err);
        if (!ok)
            break;
        append_stuffed(&wire->out, &in_line, block, got);
        if (from.at < content->size)
            ok = wire_flush(wire, span, err);
    } while (ok && from.at < content->size);
    free(block);
    if (ok) {
        str_add(&wire->out, in_line ? "\r\n.\r\n" : ".\r\n");
        wire_content_ends(wire);
    }
    wire->broken = wire->broken || !ok; /* an unfinished message must never be ended */
    return ok;
}

bool transfer_data(struct wire *wire, const struct content *content, size_t replies, int64_t span,
                   struct error *err)
{
    bool ok = transfer_queue_data(wire, content, replies, span, err) && wire_flush(wire, span, err);
    wire->broken = wire->broken || !ok;
    return ok;
}

void transfer_queue_nothing(struct wire *wire)
{
    wire_expect(wire, 1);
    wire_content_begins(wire, 1);
    wire_mark(wire, TRACE_SENT, "[0 octets of content]");
    str_add(&wire->out, ".\r\n");
    wire_content_ends(wire);
}

bool transfer_nothing(struct wire *wire, int64_t span, struct error *err)
{
    transfer_queue_nothing(wire);
    return wire_flush(wire, span, err);
}
