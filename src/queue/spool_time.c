#include "config.h"
#include "queue/spool_time.h"

#include <string.h>

#include "queue/tokenizer.h"

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
    tokenizer_seal(out, start);
}

static bool decode(struct spool_time *spool_time, const char *data, size_t len)
{
    struct tokenizer tokens;
    if (!tokenizer_open(&tokens, data, len) || !tokenizer_is(&tokens, "run") ||
        !tokenizer_time(&tokens, &spool_time->last_run))
        return false;
    for (; !tokenizer_end(&tokens); spool_time->n++)
        if (spool_time->n == SPOOL_TIME_GAPS ||
            !tokenizer_time(&tokens, &spool_time->gap[spool_time->n].from) ||
            !tokenizer_time(&tokens, &spool_time->gap[spool_time->n].to))
            return false;
    return true;
}

void spool_time_decode(struct spool_time *spool_time, const char *data, size_t len)
{
    *spool_time = (struct spool_time){0};
    if (!decode(spool_time, data, len))
        *spool_time = (struct spool_time){0};
}

void spool_time_read(struct spool_time *spool_time, const struct spool *spool)
{
    struct str stamp = {0};
    struct error ignored; /* the next run writes it again */
    (void)spool_read_stamp(spool, &stamp, &ignored);
    spool_time_decode(spool_time, str_text(&stamp), stamp.len);
    str_clear(&stamp);
}
