/* Journals as a broken disk gives them back: as they are, and with each line's checksum made right,
 * so that what stands behind it is reached. What was understood is the same after being written
 * again in its short form. */
#include "config.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "queue/checksum.h"
#include "queue/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RECIPIENTS = 12 };

static const char id[] = "0123456789abcde";

static void read_journal(const char *data, size_t size)
{
    struct journal journal = {0}, back = {0};
    struct str text = {0};
    journal_begin(&journal, id, RECIPIENTS);
    journal_decode(&journal, data, size);
    journal_encode(&journal, &text);
    journal_begin(&back, id, RECIPIENTS);
    journal_decode(&back, str_text(&text), text.len);
    if (back.damaged > 0 || journal_unbounced(&back) != journal_unbounced(&journal))
        abort();
    for (size_t i = 0; i < RECIPIENTS; i++)
        if (back.rcpt[i].status != journal.rcpt[i].status ||
            !back.rcpt[i].why != !journal.rcpt[i].why ||
            (back.rcpt[i].why && back.rcpt[i].why->code != journal.rcpt[i].why->code))
            abort();
    journal_clear(&journal);
    journal_clear(&back);
    str_clear(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str sealed = {0};
    const char *at = (const char *)data, *end = at + size;
    read_journal(at, size);
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((stop ? stop : end) - at);
        uint64_t sum = checksum_of(at, len, checksum_of(id, strlen(id), 0));
        str_addf(&sealed, "%016" PRIx64 " ", sum);
        str_add_n(&sealed, at, len);
        str_add_char(&sealed, '\n');
        at += len + (stop != NULL);
    }
    read_journal(str_text(&sealed), sealed.len);
    str_clear(&sealed);
    return 0;
}
