#include "config.h"
#include "queue/spool_time.h"

#include <string.h>

#include "queue/checksum.h"
#include "queue/tokenizer.h"

static const uint64_t time_max = INT64_MAX / 4;

void spool_time_note_run(struct spool_time *spool_time, int64_t now)
{
    if (spool_time->last_run != 0 && now - spool_time->last_run > SPOOL_TIME_GAP_MAX) {
        if (spool_time->n == SPOOL_TIME_GAPS) {
            memmove(spool_time->gap, spool_time->gap + 1,
                    (SPOOL_TIME_GAPS - 1) * sizeof *spool_time->gap);
            spool_time->n--;
        }
        spool_time->gap[spool_time->n].from = spool_time->last_run + SPOOL_TIME_GAP_MAX;
        spool_time->gap[spool_time->n].to = now;
        spool_time->n++;
    }
    spool_time->last_run = now;
}

static int64_t overlap(int64_t from, int64_t to, int64_t start, int64_t end)
{
    if (from < start)
        from = start;
    if (to > end)
        to = end;
    return to > from ? to - from : 0;
}

int64_t spool_time_of(const struct spool_time *spool_time, int64_t arrival, int64_t now)
{
    int64_t lived = now - arrival;
    for (size_t i = 0; i < spool_time->n; i++)
        lived -= overlap(spool_time->gap[i].from, spool_time->gap[i].to, arrival, now);
    /* The gap that is open: the clock may have been set since the last run. */
    if (spool_time->last_run != 0)
        lived -= overlap(spool_time->last_run + SPOOL_TIME_GAP_MAX, now, arrival, now);
    return lived > 0 ? lived : 0;
}

void spool_time_encode(const struct spool_time *spool_time, struct str *out)
{
    size_t start = out->len;
    str_addf(out, "run %lld", (long long)spool_time->last_run);
    for (size_t i = 0; i < spool_time->n; i++)
        str_addf(out, " %lld %lld", (long long)spool_time->gap[i].from,
                 (long long)spool_time->gap[i].to);
    uint64_t sum = checksum_of(out->data + start, out->len - start, 0);
    str_addf(out, " sum %016llx\n", (unsigned long long)sum);
}

static bool decode(struct spool_time *spool_time, const char *data, size_t len)
{
    struct tokenizer tokens = {data, data + len};
    uint64_t from, to, sum;
    if (!tokenizer_is(&tokens, "run") || !tokenizer_decimal(&tokens, time_max, &from))
        return false;
    spool_time->last_run = (int64_t)from;
    const char *summed = tokens.at;
    while (!tokenizer_is(&tokens, "sum")) {
        if (spool_time->n == SPOOL_TIME_GAPS || !tokenizer_decimal(&tokens, time_max, &from) ||
            !tokenizer_decimal(&tokens, time_max, &to))
            return false;
        spool_time->gap[spool_time->n].from = (int64_t)from;
        spool_time->gap[spool_time->n].to = (int64_t)to;
        spool_time->n++;
        summed = tokens.at;
    }
    return tokenizer_hex(&tokens, &sum) && tokenizer_end(&tokens) &&
           sum == checksum_of(data, (size_t)(summed - data) - 1, 0);
}

void spool_time_decode(struct spool_time *spool_time, const char *data, size_t len)
{
    *spool_time = (struct spool_time){0};
    const char *end = memchr(data, '\n', len);
    if (!end || !decode(spool_time, data, (size_t)(end - data)))
        *spool_time = (struct spool_time){0};
}
