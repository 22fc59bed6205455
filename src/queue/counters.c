#include "config.h"
#include "queue/counters.h"

#include <inttypes.h>
#include <string.h>

#include "queue/slots.h"
#include "queue/spoolfile.h"
#include "queue/tokenizer.h"

enum {
    FILE_SIZE = 512, /* octets, of which the line needs 420 at most: one call reads it */
    READS = 10,      /* a line that is being written is read again */
    LOCK_WAIT = 200, /* milliseconds */
};

const uint32_t counters_bounds[COUNTERS_BOUNDS] = {
    250,       500,       1000,       2500,        5000,        10 * 1000,
    60 * 1000, 5 * 60000, 30 * 60000, 2 * 3600000, 8 * 3600000, 24 * 3600000,
};

enum { NUMBERS = sizeof(struct counters) / sizeof(uint64_t) };
_Static_assert(sizeof(struct counters) % sizeof(uint64_t) == 0, "padding");

/* The numbers in the order of the struct. */
static uint64_t *numbers(const struct counters *counters)
{
    return (uint64_t *)(void *)(uintptr_t)counters;
}

void counters_note(struct counters *counters, enum counters_result result, uint64_t octets,
                   int64_t took)
{
    size_t i = 0;
    counters->messages[result]++;
    if (result != COUNTERS_SENT)
        return;
    counters->octets += octets;
    if (took < 0)
        return;
    while (i < COUNTERS_BOUNDS && took > counters_bounds[i])
        i++;
    counters->delivered[i]++;
    counters->milliseconds += (uint64_t)took;
}

void counters_add(struct counters *sum, const struct counters *more)
{
    for (size_t i = 0; i < NUMBERS; i++)
        numbers(sum)[i] += numbers(more)[i];
}

void counters_encode(const struct counters *counters, struct str *out)
{
    size_t start = out->len;
    str_add(out, "counters");
    for (size_t i = 0; i < NUMBERS; i++)
        str_addf(out, " %" PRIu64, numbers(counters)[i]);
    tokenizer_seal(out, start);
}

static bool decode(struct counters *counters, const char *data, size_t len)
{
    struct tokenizer tokens;
    if (!tokenizer_open(&tokens, data, len) || !tokenizer_is(&tokens, "counters"))
        return false;
    for (size_t i = 0; i < NUMBERS; i++)
        if (!tokenizer_decimal(&tokens, UINT64_MAX, &numbers(counters)[i]))
            return false;
    return tokenizer_end(&tokens);
}

bool counters_decode(struct counters *counters, const char *data, size_t len)
{
    if (decode(counters, data, len))
        return true;
    *counters = (struct counters){0};
    return false;
}

static bool read_part(int fd, struct counters *counters)
{
    char text[FILE_SIZE];
    struct error ignored; /* then nothing was counted */
    ssize_t got = spoolfile_read(fd, 0, text, sizeof text, &ignored);
    return got <= 0 || counters_decode(counters, text, (size_t)got);
}

static void count(struct counters_part *own, int fd, const struct counters *more)
{
    struct str text = {0};
    struct error ignored; /* the count is lost */
    if (!own->known)
        (void)read_part(fd, &own->counters); /* what is damaged begins anew */
    own->known = true;
    counters_add(&own->counters, more);
    counters_encode(&own->counters, &text);
    str_fill(&text, '\n', FILE_SIZE - text.len);
    (void)spoolfile_write_at(fd, 0, text.data, text.len, &ignored);
    str_clear(&text);
}

void counters_count(struct counters_part *own, int slot, const struct spool *spool,
                    const char *account, const struct counters *more)
{
    struct counters_part shared = {0};
    struct str name = {0};
    struct error ignored; /* as above */
    bool locked;
    int fd;
    if (slot >= 0) {
        count(own, slot, more);
        return;
    }
    slots_add_name(&name, account);
    str_add(&name, "s"); /* one that is no connection's */
    if (spoolfile_share(spool, str_text(&name), &fd, &locked, &ignored)) {
        if (locked || spoolfile_lock(fd, LOCK_WAIT))
            count(&shared, fd, more);
        spoolfile_close(fd);
    }
    str_clear(&name);
}

struct summing {
    const struct spool *spool;
    struct str prefix; /* of the names of the account's files */
    struct counters *sum;
};

static bool add_part(void *context, const char *name)
{
    struct summing *summing = context;
    struct spoolfile file;
    struct counters part = {0};
    struct error ignored; /* nothing was counted there */
    if (strncmp(name, summing->prefix.data, summing->prefix.len) != 0 ||
        spoolfile_find(summing->spool, SPOOL_ACCOUNT, name, &file, &ignored) != SPOOL_FOUND)
        return true;
    for (int i = 0; i < READS && !read_part(file.fd, &part); i++)
        ;
    counters_add(summing->sum, &part);
    spoolfile_close(file.fd);
    return true;
}

void counters_sum(struct counters *sum, const struct spool *spool, const char *account)
{
    struct summing summing = {.spool = spool, .sum = sum};
    struct error ignored; /* as above */
    slots_add_name(&summing.prefix, account);
    (void)spool_each(spool, SPOOL_ACCOUNT, add_part, &summing, &ignored);
    str_clear(&summing.prefix);
}
