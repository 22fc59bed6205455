#include "config.h"
#include "base/base64.h"

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

/* The value of each character, plus one; 0 where there is none. */
static const unsigned char values[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
};

static char *add_three(char *to, unsigned long bits)
{
    *to++ = (char)(bits >> 16);
    *to++ = (char)(bits >> 8);
    *to++ = (char)bits;
    return to;
}

/* Decodes groups of four characters up to the first that has padding, a blank or rubbish in it,
 * which is returned: a trust store is 200 kB of them. */
static const unsigned char *decode_groups(char **to, const unsigned char *c,
                                          const unsigned char *end)
{
    for (; end - c >= 4; c += 4) {
        unsigned long v0 = values[c[0]], v1 = values[c[1]], v2 = values[c[2]], v3 = values[c[3]];
        if (!v0 || !v1 || !v2 || !v3)
            break;
        *to = add_three(*to, (v0 - 1) << 18 | (v1 - 1) << 12 | (v2 - 1) << 6 | (v3 - 1));
    }
    return c;
}

static bool is_blank(unsigned char c)
{
    return c == '\n' || c == '\r' || c == ' ' || c == '\t';
}

static bool decode(struct str *out, const char *text, size_t len, bool skip_blanks)
{
    const unsigned char *c = (const unsigned char *)text, *end = c + len;
    unsigned long bits = 0;
    int count = 0, pad = 0;
    str_reserve(out, len / 4 * 3);
    char *to = out->data + out->len;
    for (; c < end; c++) {
        if (count == 0 && pad == 0 && (c = decode_groups(&to, c, end)) == end)
            break;
        if (skip_blanks && is_blank(*c))
            continue;
        if (values[*c] && pad == 0)
            bits = bits << 6 | (values[*c] - 1U);
        else if (*c == '=' && count >= 2) {
            bits <<= 6;
            pad++;
        } else
            break;
        if (++count == 4) {
            to = add_three(to, bits & 0xffffff) - pad;
            count = 0;
        }
    }
    out->len = (size_t)(to - out->data);
    *to = '\0';
    return count == 0 && c == end;
}

bool base64_decode(struct str *out, const char *text, size_t len)
{
    return decode(out, text, len, false);
}

bool base64_decode_lines(struct str *out, const char *text, size_t len)
{
    return decode(out, text, len, true);
}
