#include "config.h"
#include "base/base64.h"

#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct str *out, const void *data, size_t len)
{
    const unsigned char *in = data;
    str_reserve(out, (len + 2) / 3 * 4);
    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        unsigned long bits = (unsigned long)in[i] << 16;
        if (left > 1)
            bits |= (unsigned long)in[i + 1] << 8;
        if (left > 2)
            bits |= in[i + 2];
        char quad[4] = {
            alphabet[bits >> 18],
            alphabet[bits >> 12 & 63],
            left > 1 ? alphabet[bits >> 6 & 63] : '=',
            left > 2 ? alphabet[bits & 63] : '=',
        };
        str_add_n(out, quad, 4);
    }
}

static int value_of(char c)
{
    const char *at = c ? strchr(alphabet, c) : NULL;
    return at ? (int)(at - alphabet) : -1;
}

bool base64_decode(struct str *out, const char *text, size_t len)
{
    if (len % 4 != 0)
        return false;
    for (size_t i = 0; i < len; i += 4) {
        bool last = i + 4 == len;
        int pad = last ? (text[i + 3] == '=') + (text[i + 3] == '=' && text[i + 2] == '=') : 0;
        unsigned long bits = 0;
        for (int k = 0; k < 4; k++) {
            int value = k >= 4 - pad ? 0 : value_of(text[i + (size_t)k]);
            if (value < 0)
                return false;
            bits = bits << 6 | (unsigned long)value;
        }
        char three[3] = {(char)(bits >> 16), (char)(bits >> 8), (char)bits};
        str_add_n(out, three, (size_t)(3 - pad));
    }
    return true;
}
