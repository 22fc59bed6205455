#include "config.h"
#include "ctl/json.h"

#include <stdio.h>
#include <string.h>

#include "base/escape.h"

void json_print_text(FILE *out, const char *text)
{
    struct str clean = {0};
    escape_line(&clean, text, strlen(text));
    (void)fputc('"', out);
    for (size_t i = 0; i < clean.len; i++) {
        if (clean.data[i] == '"' || clean.data[i] == '\\')
            (void)fputc('\\', out);
        (void)fputc(clean.data[i], out);
    }
    (void)fputc('"', out);
    str_clear(&clean);
}

void json_print_member(FILE *out, const char *name, const char *text)
{
    (void)fprintf(out, ", \"%s\": ", name);
    json_print_text(out, text);
}
