/* Configuration files: whatever comes, every event is clean text from a line that exists, and what
 * is refused is refused with its line. The same text is then read as a whole configuration. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/escape.h"
#include "config/configfile.h"
#include "config/inifile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    int line;
    int lines; /* in the text */
};

static bool take(void *context, const struct ini_event *event, struct error *err)
{
    struct seen *seen = context;
    (void)err;
    if (event->line < seen->line || event->line > seen->lines || !event->section)
        abort();
    seen->line = event->line;
    if (escape_has_control(event->section) || strlen(event->section) > INIFILE_NAME_MAX)
        abort();
    if (!event->key)
        return true;
    if (!*event->key || strlen(event->key) > INIFILE_NAME_MAX || strpbrk(event->key, " =:;\"[]"))
        abort();
    if (strpbrk(event->value, "\r\n"))
        abort();
    return true;
}

static bool is_raw(void *context, const char *section, const char *key)
{
    (void)context;
    (void)section;
    return key[0] == 'p';
}

static void read_whole(const struct str *text)
{
    struct provider_table providers = {0};
    struct queue_settings queue = {0};
    struct error err;
    key_fill(KEY_QUEUE, &queue);
    struct configfile file = {.path = "fuzz.ini",
                              .scope = SCOPE_USER,
                              .home = "/home/me",
                              .providers = &providers,
                              .queue = &queue};
    bool ok = configfile_read(&file, text, &err);
    if (!ok && (strncmp(err.text, "fuzz.ini:", 9) != 0 || err.code != EX_CONFIG))
        abort();
    for (size_t i = 0; ok && i < file.n; i++) {
        struct str out = {0};
        provider_complete(&providers, file.account[i]);
        account_print(file.account[i], &out);
        str_clear(&out);
    }
    configfile_clear(&file);
    provider_table_clear(&providers);
    key_clear(KEY_QUEUE, &queue);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen seen = {.line = 1, .lines = 1};
    struct ini_reader reader = {.event = take, .is_raw = is_raw, .context = &seen};
    struct str text = {0};
    struct error err;
    for (size_t i = 0; i < size; i++)
        seen.lines += data[i] == '\n';
    str_add_n(&text, data, size);
    if (!inifile_parse("fuzz.ini", &text, &reader, &err) && strncmp(err.text, "fuzz.ini:", 9) != 0)
        abort();
    read_whole(&text);
    str_clear(&text);
    return 0;
}
