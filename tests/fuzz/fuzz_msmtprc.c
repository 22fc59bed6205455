/* msmtprc files: whatever is read can be printed and read again, and is the same. `eval` is left
 * out: it runs commands. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "compat/msmtprc.h"
#include "unit/msmtprcprint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool read_text(struct configfile *file, const struct str *text)
{
    struct error err;
    *file = (struct configfile){.path = "rc", .scope = SCOPE_USER, .home = ""};
    return msmtprc_read(file, text, 0, &err);
}

/* Where each account's text begins and ends does not matter: all of it does. */
static void print_all(const struct configfile *file, struct str *out)
{
    for (size_t i = 0; i < file->n; i++)
        msmtprc_print(file->account[i], out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {0}, once = {0}, twice = {0};
    struct configfile file, again;
    if (memmem(data, size, "eval", 4) || memchr(data, '"', size))
        return 0; /* quotes are taken off once more when what was quoted is read again */
    str_add_n(&text, data, size);
    bool ok = read_text(&file, &text);
    print_all(&file, &once);
    if (ok) {
        if (!read_text(&again, &once))
            abort();
        print_all(&again, &twice);
        if (strcmp(str_text(&once), str_text(&twice)) != 0)
            abort();
        configfile_clear(&again);
    }
    configfile_clear(&file);
    str_clear(&text);
    str_clear(&once);
    str_clear(&twice);
    return 0;
}
