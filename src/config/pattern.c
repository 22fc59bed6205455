#include "config.h"
#include "config/pattern.h"

#include <stddef.h>

static const char *value_of(char letter, const struct pattern_facts *facts)
{
    switch (letter) {
    case 'U':
        return facts->user;
    case 'H':
        return facts->host;
    case 'C':
        return facts->canonical;
    case 'M':
        return facts->mail_name;
    case 'F':
        return *facts->from ? facts->from : NULL;
    default:
        return NULL;
    }
}

void pattern_expand(const char *text, const struct pattern_facts *facts, struct str *out)
{
    while (*text) {
        const char *value = *text == '%' ? value_of(text[1], facts) : NULL;
        if (!value) {
            str_add_char(out, *text++);
            continue;
        }
        for (; *value; value++)
            str_add_char(out, (unsigned char)*value < ' ' || *value == 127 ? '?' : *value);
        text += 2;
    }
}
