/* 8-bit content made 7-bit, or refused: no octet above 127 is left, no line is too long, the size
 * is what was told, and a second reading gives the same. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "message/body.h"
#include "message/downgrade.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(const struct content *content, size_t piece, struct str *out)
{
    struct error err;
    char buffer[1000];
    size_t got;
    for (struct content_cursor from = {.content = content};;) {
        if (!content_read(&from, buffer, piece, &got, &err))
            abort();
        if (got == 0)
            return;
        str_add_n(out, buffer, got);
    }
}

static void check(const struct content *content)
{
    struct str once = {0}, again = {0};
    size_t line = 0;
    read_all(content, 1000, &once);
    read_all(content, 333, &again);
    if (once.len != content->size || again.len != once.len ||
        memcmp(str_text(&once), str_text(&again), once.len) != 0)
        abort();
    for (size_t i = 0; i < once.len; i++) {
        line = once.data[i] == '\n' ? 0 : line + 1;
        if ((unsigned char)once.data[i] > 127 || line > CONTENT_LINE_MAX + 1)
            abort();
    }
    str_clear(&once);
    str_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct content in = {0}, out = {0};
    struct content_writer writer;
    struct body body = {0};
    struct error err;
    content_write_to(&writer, &in, "/tmp");
    if (!body_add(&body, (const char *)data, size, &writer.output, &err) ||
        !body_end(&body, &writer.output, &err))
        abort();
    struct downgrade *downgrade = downgrade_open(&in, &out, &err);
    if (downgrade)
        check(&out);
    else if (strcmp(err.status, "5.6.3") != 0)
        abort();
    downgrade_free(downgrade);
    content_clear(&in);
    return 0;
}
