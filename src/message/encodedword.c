#include "config.h"
#include "message/encodedword.h"

#include <stdbool.h>

#include "base/base64.h"
#include "base/escape.h"

enum { PAYLOAD_MAX = 45 }; /* 60 octets of base64, 12 around them: below 75 (RFC 2047, 2) */

static void add_word(struct str *out, struct str *payload, bool *first)
{
    if (payload->len == 0)
        return;
    str_add(out, *first ? "=?utf-8?B?" : "\n =?utf-8?B?");
    base64_encode(out, payload->data, payload->len);
    str_add(out, "?=");
    str_truncate(payload, 0);
    *first = false;
}

void encodedword_add(struct str *out, const char *text, size_t len)
{
    struct str payload = {0};
    bool first = true;
    for (size_t i = 0; i < len;) {
        size_t n = escape_utf8_sequence(text + i, len - i);
        unsigned char c = (unsigned char)text[i];
        char latin[2] = {(char)(0xc0 | c >> 6), (char)(0x80 | (c & 0x3f))};
        if (payload.len + (n ? n : 2) > PAYLOAD_MAX)
            add_word(out, &payload, &first);
        if (c < 32 || c == 127)
            str_add_char(&payload, ' ');
        else if (n > 0)
            str_add_n(&payload, text + i, n);
        else
            str_add_n(&payload, latin, 2);
        i += n ? n : 1;
    }
    add_word(out, &payload, &first);
    str_clear(&payload);
}
