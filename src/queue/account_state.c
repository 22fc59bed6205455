#include "config.h"
#include "queue/account_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/checksum.h"
#include "queue/spoolfile.h"
#include "queue/tokenizer.h"

enum { FILE_MAX = 2048, LOCK_WAIT = 200 }; /* octets; milliseconds */

static const uint64_t time_max = INT64_MAX / 4;

void standing_encode(const struct standing *standing, struct str *out)
{
    const struct breaker *breaker = &standing->breaker;
    size_t start = out->len;
    str_addf(out, "breaker %u %u %" PRId64 " %" PRId64 " ", breaker->failures,
             (unsigned)breaker->trouble, breaker->since, breaker->until);
    word_add(out, breaker->reason);
    str_addf(out, " null_refused %u bounces %" PRId64 " %u notice %" PRId64, standing->null_refused,
             standing->bounce_hour, standing->bounces, standing->notice_hour);
    uint64_t sum = checksum_of(out->data + start, out->len - start, 0);
    str_addf(out, " sum %016" PRIx64 "\n", sum);
}

static bool decode_breaker(struct breaker *breaker, struct words *words)
{
    uint64_t failures, trouble, since, until;
    if (!word_is(words, "breaker") || !word_decimal(words, UINT16_MAX, &failures) ||
        !word_decimal(words, BREAKER_LOGIN, &trouble) || !word_decimal(words, time_max, &since) ||
        !word_decimal(words, time_max, &until))
        return false;
    char *reason = word_next(words);
    *breaker = (struct breaker){.failures = (unsigned)failures,
                                .trouble = (enum breaker_trouble)trouble,
                                .since = (int64_t)since,
                                .until = (int64_t)until};
    (void)snprintf(breaker->reason, sizeof breaker->reason, "%s", reason ? reason : "");
    free(reason);
    return reason != NULL;
}

static bool decode(struct standing *standing, const char *data, size_t len)
{
    struct words words = {data, data + len};
    uint64_t refused, hour, bounces, notice, sum;
    if (!decode_breaker(&standing->breaker, &words) || !word_is(&words, "null_refused") ||
        !word_decimal(&words, 1, &refused) || !word_is(&words, "bounces") ||
        !word_decimal(&words, time_max, &hour) || !word_decimal(&words, UINT32_MAX, &bounces) ||
        !word_is(&words, "notice") || !word_decimal(&words, time_max, &notice))
        return false;
    standing->null_refused = refused == 1;
    standing->bounce_hour = (int64_t)hour;
    standing->bounces = (unsigned)bounces;
    standing->notice_hour = (int64_t)notice;
    const char *summed = words.at;
    return word_is(&words, "sum") && word_hex(&words, &sum) && word_end(&words) &&
           sum == checksum_of(data, (size_t)(summed - data) - 1, 0);
}

void standing_decode(struct standing *standing, const char *data, size_t len)
{
    const char *end = memchr(data, '\n', len);
    *standing = (struct standing){0};
    if (!end || !decode(standing, data, (size_t)(end - data)))
        *standing = (struct standing){0};
}

bool standing_count_bounce(struct standing *standing, int64_t now)
{
    int64_t hour = now / 3600;
    if (hour != standing->bounce_hour) {
        standing->bounce_hour = hour;
        standing->bounces = 0;
    }
    if (standing->bounces >= STANDING_BOUNCES_PER_HOUR)
        return false;
    standing->bounces++;
    return true;
}

bool standing_take_notice(struct standing *standing, int64_t now)
{
    bool news = standing->notice_hour != now / 3600;
    standing->notice_hour = now / 3600;
    return news;
}

bool standing_read(struct standing *standing, const struct spool *spool, const char *account,
                   struct error *err)
{
    struct str name = {0}, text = {0};
    word_add_name(&name, account);
    str_add(&name, ".standing");
    bool ok = spoolfile_load(spool, SPOOL_ACCOUNT, name.data, FILE_MAX, &text, err);
    standing_decode(standing, str_text(&text), text.len);
    str_clear(&text);
    str_clear(&name);
    return ok;
}

static bool change_file(int fd, bool (*change)(struct standing *standing, void *context),
                        void *context, struct standing *standing, struct error *err)
{
    char text[FILE_MAX];
    size_t got;
    if (!spoolfile_read(fd, 0, text, sizeof text, &got, err))
        return false;
    standing_decode(standing, text, got);
    if (!change(standing, context))
        return true;
    struct str new = {0};
    standing_encode(standing, &new);
    bool ok = spoolfile_overwrite(fd, &new, err);
    str_clear(&new);
    return ok;
}

bool standing_change(const struct spool *spool, const char *account,
                     bool (*change)(struct standing *standing, void *context), void *context,
                     struct standing *standing, struct error *err)
{
    struct standing own;
    struct str name = {0};
    int fd;
    bool locked;
    word_add_name(&name, account);
    str_add(&name, ".standing");
    bool ok = spoolfile_share(spool, name.data, &fd, &locked, err);
    if (ok) {
        if (!locked)
            (void)spoolfile_lock(fd, LOCK_WAIT); /* without it the file mends itself */
        ok = change_file(fd, change, context, standing ? standing : &own, err);
        spoolfile_close(fd);
    }
    str_clear(&name);
    return ok;
}
