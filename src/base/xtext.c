#include "config.h"
#include "base/xtext.h"

#include "base/hex.h"

void xtext_add(struct str *out, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < '!' || c > '~' || c == '+' || c == '=')
            str_addf(out, "+%02X", c);
        else
            str_add_char(out, *text);
    }
}

bool xtext_decode(struct str *out, const char *text)
{
    for (; *text; text++) {
        char c = *text;
        if (c == '+') {
            int high = hex_value(text[1]), low = high < 0 ? -1 : hex_value(text[2]);
            if (low < 0)
                return false;
            c = (char)(high * 16 + low);
            text += 2;
        }
        if ((unsigned char)c < ' ' || c == 127)
            return false;
        str_add_char(out, c);
    }
    return true;
}
