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

/* The value of each character, and that there is one. */
enum { IS = 64 };

static const unsigned char values[256] = {
    ['A'] = IS | 0,  ['B'] = IS | 1,  ['C'] = IS | 2,  ['D'] = IS | 3,  ['E'] = IS | 4,
    ['F'] = IS | 5,  ['G'] = IS | 6,  ['H'] = IS | 7,  ['I'] = IS | 8,  ['J'] = IS | 9,
    ['K'] = IS | 10, ['L'] = IS | 11, ['M'] = IS | 12, ['N'] = IS | 13, ['O'] = IS | 14,
    ['P'] = IS | 15, ['Q'] = IS | 16, ['R'] = IS | 17, ['S'] = IS | 18, ['T'] = IS | 19,
    ['U'] = IS | 20, ['V'] = IS | 21, ['W'] = IS | 22, ['X'] = IS | 23, ['Y'] = IS | 24,
    ['Z'] = IS | 25, ['a'] = IS | 26, ['b'] = IS | 27, ['c'] = IS | 28, ['d'] = IS | 29,
    ['e'] = IS | 30, ['f'] = IS | 31, ['g'] = IS | 32, ['h'] = IS | 33, ['i'] = IS | 34,
    ['j'] = IS | 35, ['k'] = IS | 36, ['l'] = IS | 37, ['m'] = IS | 38, ['n'] = IS | 39,
    ['o'] = IS | 40, ['p'] = IS | 41, ['q'] = IS | 42, ['r'] = IS | 43, ['s'] = IS | 44,
    ['t'] = IS | 45, ['u'] = IS | 46, ['v'] = IS | 47, ['w'] = IS | 48, ['x'] = IS | 49,
    ['y'] = IS | 50, ['z'] = IS | 51, ['0'] = IS | 52, ['1'] = IS | 53, ['2'] = IS | 54,
    ['3'] = IS | 55, ['4'] = IS | 56, ['5'] = IS | 57, ['6'] = IS | 58, ['7'] = IS | 59,
    ['8'] = IS | 60, ['9'] = IS | 61, ['+'] = IS | 62, ['/'] = IS | 63,
};

static char *add_three(char *to, unsigned bits)
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
    const unsigned marks = IS << 18 | IS << 12 | IS << 6 | IS;
    for (; end - c >= 4; c += 4) {
        unsigned v0 = values[c[0]], v1 = values[c[1]], v2 = values[c[2]], v3 = values[c[3]];
        if (!(v0 & v1 & v2 & v3 & IS))
            break;
        *to = add_three(*to, (v0 << 18) + (v1 << 12) + (v2 << 6) + v3 - marks);
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
    unsigned bits = 0;
    int count = 0, pad = 0;
    str_reserve(out, len / 4 * 3);
    char *to = out->data + out->len;
    for (; c < end; c++) {
        if (count == 0 && pad == 0 && (c = decode_groups(&to, c, end)) == end)
            break;
        if (skip_blanks && is_blank(*c))
            continue;
        if (values[*c] && pad == 0)
            bits = bits << 6 | (values[*c] ^ IS);
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
