#include "config.h"
#include "base/jsontext.h"

#include <string.h>

#include "base/escape.h"

void jsontext_add(struct str *out, const char *text)
{
    struct str clean = {0};
    escape_line(&clean, text, strlen(text));
    str_add_char(out, '"');
    for (size_t i = 0; i < clean.len; i++) {
        if (clean.data[i] == '"' || clean.data[i] == '\\')
            str_add_char(out, '\\');
        str_add_char(out, clean.data[i]);
    }
    str_add_char(out, '"');
    str_clear(&clean);
}
