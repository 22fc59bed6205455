/* Configurations of ssmtp, nullmailer and dma: the first octet chooses the program, and what
 * follows are its files, one behind the other, divided by the octet 1. What is made of them is an
 * INI file that is read back as it was written, in which no value of a password stands but as a
 * password. */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compat/foreign.h"
#include "config/configfile.h"
#include "config/iniwriter.h"
#include "config/provider.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct files {
    const char *data, *end;
};

/* Whatever it is called, it is the next one. */
static bool next_file(void *context, const char *name, struct str *out)
{
    struct files *files = context;
    (void)name;
    if (files->data == files->end)
        return false;
    const char *stop = memchr(files->data, 1, (size_t)(files->end - files->data));
    str_add_n(out, files->data, (size_t)((stop ? stop : files->end) - files->data));
    files->data = stop ? stop + 1 : files->end;
    return true;
}

static void read_back(const struct str *ini, size_t accounts)
{
    struct error err;
    struct provider_table providers = {0};
    struct queue_settings queue = {.lifetime = 0};
    struct configfile file = {
        .path = "", .scope = SCOPE_USER, .home = "", .providers = &providers, .queue = &queue};
    key_fill(KEY_QUEUE, &queue);
    if (!configfile_read(&file, ini, &err)) {
        (void)fprintf(stderr, "%s\n%s\n", err.text, str_text(ini));
        abort();
    }
    if (file.n != accounts)
        abort();
    configfile_clear(&file);
    provider_table_clear(&providers);
    key_clear(KEY_QUEUE, &queue);
}

static void check(const struct configfile *file, const struct strlist *remarks,
                  const struct str *queue)
{
    struct str ini = {.secret = true};
    struct error err;
    bool ok = true;
    for (size_t i = 0; i < remarks->n; i++)
        if (strpbrk(remarks->item[i], "\r\n\033"))
            abort();
    for (size_t i = 0; ok && i < file->n; i++)
        ok = iniwriter_account(file->account[i], NULL, &ini, &err);
    str_addf(&ini, "[queue]\n%s\n", str_text(queue));
    if (ok)
        read_back(&ini, file->n);
    str_clear(&ini);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct files files = {(const char *)data + 1, (const char *)data + size};
    struct configfile file = {.path = "x", .scope = SCOPE_USER, .home = ""};
    struct strlist remarks = {0};
    struct str queue = {0};
    struct error err;
    struct foreign foreign = {&file, &remarks, &queue, "web1", next_file, &files};
    bool (*const program[])(struct foreign *, const char *,
                            struct error *) = {foreign_ssmtp, foreign_nullmailer, foreign_dma};
    if (program[data[0] % 3](&foreign, "/etc/x.conf", &err))
        check(&file, &remarks, &queue);
    configfile_clear(&file);
    strlist_clear(&remarks);
    str_clear(&queue);
    return 0;
}
