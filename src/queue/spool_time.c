#include "config.h"
#include "queue/spool_time.h"

#include <string.h>

#include "queue/checksum.h"
#include "queue/tokenizer.h"

static const uint64_t time_max = INT64_MAX / 4;

void age_note_run(struct age *age, int64_t now)
{
    if (age->last_run != 0 && now - age->last_run > AGE_GAP_MAX) {
        if (age->n == AGE_GAPS) {
            memmove(age->gap, age->gap + 1, (AGE_GAPS - 1) * sizeof *age->gap);
            age->n--;
        }
        age->gap[age->n].from = age->last_run + AGE_GAP_MAX;
        age->gap[age->n].to = now;
        age->n++;
    }
    age->last_run = now;
}

static int64_t overlap(int64_t from, int64_t to, int64_t start, int64_t end)
{
    if (from < start)
        from = start;
    if (to > end)
        to = end;
    return to > from ? to - from : 0;
}

int64_t age_of(const struct age *age, int64_t arrival, int64_t now)
{
    int64_t lived = now - arrival;
    for (size_t i = 0; i < age->n; i++)
        lived -= overlap(age->gap[i].from, age->gap[i].to, arrival, now);
    /* The gap that is open: the clock may have been set since the last run. */
    if (age->last_run != 0)
        lived -= overlap(age->last_run + AGE_GAP_MAX, now, arrival, now);
    return lived > 0 ? lived : 0;
}

void age_encode(const struct age *age, struct str *out)
{
    size_t start = out->len;
    str_addf(out, "run %lld", (long long)age->last_run);
    for (size_t i = 0; i < age->n; i++)
        str_addf(out, " %lld %lld", (long long)age->gap[i].from, (long long)age->gap[i].to);
    uint64_t sum = checksum_of(out->data + start, out->len - start, 0);
    str_addf(out, " sum %016llx\n", (unsigned long long)sum);
}

static bool decode(struct age *age, const char *data, size_t len)
{
    struct words words = {data, data + len};
    uint64_t from, to, sum;
    if (!word_is(&words, "run") || !word_decimal(&words, time_max, &from))
        return false;
    age->last_run = (int64_t)from;
    const char *summed = words.at;
    while (!word_is(&words, "sum")) {
        if (age->n == AGE_GAPS || !word_decimal(&words, time_max, &from) ||
            !word_decimal(&words, time_max, &to))
            return false;
        age->gap[age->n].from = (int64_t)from;
        age->gap[age->n].to = (int64_t)to;
        age->n++;
        summed = words.at;
    }
    return word_hex(&words, &sum) && word_end(&words) &&
           sum == checksum_of(data, (size_t)(summed - data) - 1, 0);
}

void age_decode(struct age *age, const char *data, size_t len)
{
    *age = (struct age){0};
    const char *end = memchr(data, '\n', len);
    if (!end || !decode(age, data, (size_t)(end - data)))
        *age = (struct age){0};
}
