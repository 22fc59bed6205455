#include "config.h"
#include "message/dsn.h"

#include <string.h>
#include <strings.h>

static const struct {
    const char *word;
    unsigned bit;
} words[] = {
    {"NEVER", DSN_NEVER}, {"SUCCESS", DSN_SUCCESS}, {"FAILURE", DSN_FAILURE}, {"DELAY", DSN_DELAY}};

enum { WORDS = sizeof words / sizeof *words };

unsigned dsn_notify_word(const char *word, size_t len)
{
    for (size_t i = 0; i < WORDS; i++)
        if (strlen(words[i].word) == len && strncasecmp(words[i].word, word, len) == 0)
            return words[i].bit;
    return 0;
}

bool dsn_read_notify(const char *text, unsigned *notify)
{
    unsigned all = 0;
    for (const char *at = text;; at++) {
        size_t len = strcspn(at, ",");
        unsigned bit = dsn_notify_word(at, len);
        if (!bit)
            return false;
        all |= bit;
        at += len;
        if (!*at)
            break;
    }
    if (all & DSN_NEVER && all != DSN_NEVER)
        return false;
    *notify = all;
    return true;
}

void dsn_add_notify(struct str *out, unsigned notify)
{
    const char *separator = "";
    for (size_t i = 0; i < WORDS; i++)
        if (notify & words[i].bit) {
            str_addf(out, "%s%s", separator, words[i].word);
            separator = ",";
            if (words[i].bit == DSN_NEVER)
                break; /* excludes the others */
        }
}
