/* What a service says of its queue and accounts, as any process that has the socket's name could:
 * as it is, and with its first line and its checksums made right. What is understood is the same
 * after being written and read again, and what is printed of it has no control characters. */
#include "config.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "queue/checksum.h"
#include "ctl/metrics.h"
#include "ctl/observation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW = 1764000000 };

static void check_metrics(const struct observation *seen)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        abort();
    metrics_print(seen, NOW, out);
    if (fclose(out) != 0)
        abort();
    for (size_t i = 0; i < len; i++)
        if (((unsigned char)text[i] < ' ' && text[i] != '\n') || text[i] == 127)
            abort();
    free(text);
}

static void read_text(const char *data, size_t size)
{
    struct observation seen = {0}, back = {0};
    struct str first = {0}, second = {0};
    if (observation_decode(&seen, data, size)) {
        observation_encode(&seen, &first);
        if (!observation_decode(&back, str_text(&first), first.len))
            abort();
        observation_encode(&back, &second);
        check_metrics(&seen);
        if (first.len != second.len || memcmp(first.data, second.data, first.len) != 0)
            abort();
    }
    for (int i = 0; i < OBSERVATION_STATES; i++)
        if (observation_age(&seen, (enum observation_state)i, NOW) < 0)
            abort();
    observation_clear(&seen);
    observation_clear(&back);
    str_clear(&first);
    str_clear(&second);
}

/* Each line, with the checksum of its counters where it has some. */
static void add_sealed(struct str *out, const char *at, size_t size)
{
    static const char word[] = "counters ";
    for (const char *end = at + size, *stop; at < end; at = stop + 1) {
        stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop ? stop : end;
        const char *begin = memmem(at, (size_t)(stop - at), word, strlen(word));
        str_add_n(out, at, (size_t)(stop - at));
        if (begin)
            str_addf(out, " sum %016" PRIx64, checksum_of(begin, (size_t)(stop - begin), 0));
        str_add_char(out, '\n');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {0};
    read_text((const char *)data, size);
    str_add(&text, "observation 1\n");
    add_sealed(&text, (const char *)data, size);
    read_text(str_text(&text), text.len);
    str_clear(&text);
    return 0;
}
