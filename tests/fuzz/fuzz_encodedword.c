/* Encoded words (RFC 2047) of any text: at most 75 octets each, folded lines, ASCII, and decoding
 * them gives UTF-8 that is the text if the text was UTF-8 without control characters. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/base64.h"
#include "base/escape.h"
#include "message/encodedword.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WORD_MAX = 75 };

static const char prefix[] = "=?utf-8?B?";

static void decode(const struct str *out, struct str *back)
{
    const char *at = str_text(out);
    while (*at) {
        size_t len = strcspn(at, " \r\n");
        size_t skip = sizeof prefix - 1;
        if (len > WORD_MAX || len < skip + 2 || strncasecmp(at, prefix, skip) != 0 ||
            strncmp(at + len - 2, "?=", 2) != 0)
            abort();
        struct str word = {0};
        str_add_n(&word, at + skip, len - skip - 2);
        if (!base64_decode(back, str_text(&word), word.len))
            abort();
        str_clear(&word);
        at += len;
        at += strspn(at, " \r\n");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str out = {0}, back = {0};
    bool plain = escape_is_utf8((const char *)data, size);
    for (size_t i = 0; i < size; i++)
        plain = plain && data[i] >= ' ' && data[i] != 0x7f;
    encodedword_add(&out, (const char *)data, size);
    if (!escape_is_ascii(str_text(&out)))
        abort();
    decode(&out, &back);
    if (!escape_is_utf8(str_text(&back), back.len))
        abort();
    if (plain && (back.len != size || memcmp(str_text(&back), data, size) != 0))
        abort();
    str_clear(&out);
    str_clear(&back);
    return 0;
}
