/* A log line made of foreign words: it is one line, and no value ends before its end. Words are
 * separated by NUL. */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/memory.h"
#include "delivery/logline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WORDS = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str word[WORDS] = {{0}};
    struct str line = {0};
    size_t n = 0;
    for (size_t i = 0; i < size; i++) {
        if (data[i])
            str_add_char(&word[n], (char)data[i]);
        else if (++n == WORDS)
            break;
    }
    struct account *account = account_new("work", SCOPE_USER);
    struct envelope envelope = {0};
    envelope_set_sender(&envelope, str_text(&word[0]));
    (void)envelope_add(&envelope, str_text(&word[1]));
    struct error err = {.reply_code = 550};
    (void)snprintf(err.reply, sizeof err.reply, "%s", str_text(&word[2]));
    (void)snprintf(err.text, sizeof err.text, "%s", str_text(&word[3]));
    const struct logline facts = {.account = account,
                                  .host = str_text(&word[0]),
                                  .envelope = &envelope,
                                  .error = &err,
                                  .queue_id = "",
                                  .code = 67};
    logline_format(&facts, &line);
    for (size_t i = 0; i < line.len; i++)
        if ((unsigned char)line.data[i] < ' ' || line.data[i] == 0x7f)
            abort();
    struct str again = {0};
    escape_line(&again, str_text(&line), line.len); /* is there anything left to escape? */
    if (again.len != line.len || memcmp(str_text(&again), str_text(&line), line.len) != 0)
        abort();
    str_clear(&again);
    const char *end = " exitcode=EX_NOUSER";
    if (line.len < strlen(end) || strcmp(line.data + line.len - strlen(end), end) != 0)
        abort();
    envelope_clear(&envelope);
    account_free(account);
    for (size_t i = 0; i < WORDS; i++)
        str_clear(&word[i]);
    str_clear(&line);
    return 0;
}
