/* netrc files: what is found is no longer than the file and stands there for the machine asked. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/netrc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str out = {.secret = true};
    const char *text = (const char *)data;
    bool found = netrc_find(text, size, "h.example", "me", &out);
    if (out.len > size || strlen(str_text(&out)) != out.len || (!found && out.len > 0))
        abort();
    if (found && size < strlen("machine h.example password"))
        abort();
    str_clear(&out);
    return 0;
}
