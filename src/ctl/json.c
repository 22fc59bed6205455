#include "config.h"
#include "ctl/json.h"

#include "base/jsontext.h"

void json_print_text(FILE *out, const char *text)
{
    struct str string = {0};
    jsontext_add(&string, text);
    (void)fwrite(string.data, 1, string.len, out);
    str_clear(&string);
}

void json_print_member(FILE *out, const char *name, const char *text)
{
    (void)fprintf(out, ", \"%s\": ", name);
    json_print_text(out, text);
}
