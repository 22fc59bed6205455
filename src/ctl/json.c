#include "config.h"
#include "ctl/json.h"

#include <stdio.h>
#include <string.h>

#include "base/escape.h"

void json_print_text(const char *text)
{
    struct str clean = {0};
    escape_line(&clean, text, strlen(text));
    (void)putchar('"');
    for (size_t i = 0; i < clean.len; i++) {
        if (clean.data[i] == '"' || clean.data[i] == '\\')
            (void)putchar('\\');
        (void)putchar(clean.data[i]);
    }
    (void)putchar('"');
    str_clear(&clean);
}

void json_print_member(const char *name, const char *text)
{
    (void)printf(", \"%s\": ", name);
    json_print_text(text);
}
