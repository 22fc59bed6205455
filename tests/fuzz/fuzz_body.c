/* Whatever goes in, what comes out is lines for SMTP, however the input was cut. The first octet
 * says where. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "message/body.h"
#include "message/content.h"
#include "unit/memoryoutput.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void convert(struct memoryoutput *out, const char *data, size_t size, size_t cut)
{
    struct body body = {0};
    struct error err;
    out->output.write = memoryoutput_write;
    for (size_t at = 0; at < size; at += cut)
        if (!body_add(&body, data + at, size - at < cut ? size - at : cut, &out->output, &err))
            abort();
    if (!body_end(&body, &out->output, &err) || body.written != out->text.len)
        abort();
}

static void check(const struct str *text)
{
    size_t column = 0;
    for (size_t i = 0; i < text->len; i++) {
        char c = text->data[i];
        if (c == '\r' && i + 1 < text->len && text->data[i + 1] == '\n') {
            i++;
            column = 0;
        } else if (c == '\0' || c == '\r' || c == '\n' || ++column > CONTENT_LINE_MAX) {
            abort();
        }
    }
    if (column > 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct memoryoutput whole = {0}, cut = {0};
    if (size == 0)
        return 0;
    convert(&whole, (const char *)data + 1, size - 1, size);
    convert(&cut, (const char *)data + 1, size - 1, (size_t)data[0] + 1);
    check(&whole.text);
    if (whole.text.len != cut.text.len ||
        memcmp(str_text(&whole.text), str_text(&cut.text), whole.text.len) != 0)
        abort();
    str_clear(&whole.text);
    str_clear(&cut.text);
    return 0;
}
