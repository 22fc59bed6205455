/* Files of tokens: what is read has no line end, and is written as it was read. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/tokenfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct str *text, size_t size)
{
    if (text->len > size || strlen(str_text(text)) != text->len || strchr(str_text(text), '\n'))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tokens tokens, again;
    struct str text = {.secret = true}, twice = {.secret = true};
    if (!tokenfile_parse((const char *)data, size, &tokens)) {
        if (tokens.access.len > 0 || tokens.refresh.len > 0)
            abort();
        return 0;
    }
    check(&tokens.access, size);
    check(&tokens.refresh, size);
    check(&tokens.login, size);
    check(&tokens.scope, size);
    (void)tokens_are_fresh(&tokens, 1764180000);
    tokenfile_print(&tokens, &text);
    if (!tokenfile_parse(str_text(&text), text.len, &again))
        abort();
    tokenfile_print(&again, &twice);
    if (strcmp(str_text(&text), str_text(&twice)) != 0)
        abort();
    tokens_clear(&tokens);
    tokens_clear(&again);
    str_clear(&text);
    str_clear(&twice);
    return 0;
}
