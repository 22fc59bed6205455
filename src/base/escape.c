#include "config.h"
#include "base/escape.h"

size_t escape_utf8_sequence(const char *text, size_t len)
{
    const unsigned char *c = (const unsigned char *)text;
    if (len == 0)
        return 0;
    if (c[0] < 0x80)
        return 1;
    size_t need = c[0] >= 0xf0 ? 4 : c[0] >= 0xe0 ? 3 : 2;
    if (c[0] < 0xc2 || c[0] > 0xf4 || len < need)
        return 0;
    for (size_t i = 1; i < need; i++)
        if ((c[i] & 0xc0) != 0x80)
            return 0;
    if ((c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] > 0x9f) ||
        (c[0] == 0xf0 && c[1] < 0x90) || (c[0] == 0xf4 && c[1] > 0x8f))
        return 0;
    return need;
}

bool escape_is_utf8(const char *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        size_t step = escape_utf8_sequence(text + i, len - i);
        if (step == 0)
            return false;
        i += step;
    }
    return true;
}

static bool is_control(char c)
{
    return (unsigned char)c < ' ' || c == 127;
}

void escape_line(struct str *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        size_t step = escape_utf8_sequence(text + i, len - i);
        if (step == 0 || is_control(text[i]))
            str_add_char(out, '?');
        else
            str_add_n(out, text + i, step);
        i += step ? step : 1;
    }
}

bool escape_has_control(const char *text)
{
    for (; *text; text++)
        if (is_control(*text))
            return true;
    return false;
}

bool escape_is_ascii(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text >= 128)
            return false;
    return true;
}
