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

void account_state_encode(const struct account_state *state, struct str *out)
{
    const struct breaker *breaker = &state->breaker;
    size_t start = out->len;
    str_addf(out, "breaker %u %u %" PRId64 " %" PRId64 " ", breaker->failures,
             (unsigned)breaker->cause, breaker->since, breaker->until);
    tokenizer_add(out, breaker->reason);
    str_addf(out, " null_refused %u bounces %" PRId64 " %u notice %" PRId64, state->null_refused,
             state->bounce_hour, state->bounces, state->notice_hour);
    uint64_t sum = checksum_of(out->data + start, out->len - start, 0);
    str_addf(out, " sum %016" PRIx64 "\n", sum);
}

static bool decode_breaker(struct breaker *breaker, struct tokenizer *tokens)
{
    uint64_t failures, cause, since, until;
    if (!tokenizer_is(tokens, "breaker") || !tokenizer_decimal(tokens, UINT16_MAX, &failures) ||
        !tokenizer_decimal(tokens, CAUSE_LOGIN, &cause) ||
        !tokenizer_decimal(tokens, time_max, &since) ||
        !tokenizer_decimal(tokens, time_max, &until))
        return false;
    char *reason = tokenizer_next(tokens);
    *breaker = (struct breaker){.failures = (unsigned)failures,
                                .cause = (enum error_cause)cause,
                                .since = (int64_t)since,
                                .until = (int64_t)until};
    (void)snprintf(breaker->reason, sizeof breaker->reason, "%s", reason ? reason : "");
    free(reason);
    return reason != NULL;
}

static bool decode(struct account_state *state, const char *data, size_t len)
{
    struct tokenizer tokens = {data, data + len};
    uint64_t refused, hour, bounces, notice, sum;
    if (!decode_breaker(&state->breaker, &tokens) || !tokenizer_is(&tokens, "null_refused") ||
        !tokenizer_decimal(&tokens, 1, &refused) || !tokenizer_is(&tokens, "bounces") ||
        !tokenizer_decimal(&tokens, time_max, &hour) ||
        !tokenizer_decimal(&tokens, UINT32_MAX, &bounces) || !tokenizer_is(&tokens, "notice") ||
        !tokenizer_decimal(&tokens, time_max, &notice))
        return false;
    state->null_refused = refused == 1;
    state->bounce_hour = (int64_t)hour;
    state->bounces = (unsigned)bounces;
    state->notice_hour = (int64_t)notice;
    const char *summed = tokens.at;
    return tokenizer_is(&tokens, "sum") && tokenizer_hex(&tokens, &sum) && tokenizer_end(&tokens) &&
           sum == checksum_of(data, (size_t)(summed - data) - 1, 0);
}

void account_state_decode(struct account_state *state, const char *data, size_t len)
{
    const char *end = memchr(data, '\n', len);
    *state = (struct account_state){0};
    if (!end || !decode(state, data, (size_t)(end - data)))
        *state = (struct account_state){0};
}

bool account_state_count_bounce(struct account_state *state, int64_t now)
{
    int64_t hour = now / 3600;
    if (hour != state->bounce_hour) {
        state->bounce_hour = hour;
        state->bounces = 0;
    }
    if (state->bounces >= ACCOUNT_STATE_BOUNCES_PER_HOUR)
        return false;
    state->bounces++;
    return true;
}

bool account_state_take_notice(struct account_state *state, int64_t now)
{
    bool news = state->notice_hour != now / 3600;
    state->notice_hour = now / 3600;
    return news;
}

bool account_state_read(struct account_state *state, const struct spool *spool, const char *account,
                        struct error *err)
{
    struct str name = {0}, text = {0};
    tokenizer_add_name(&name, account);
    str_add(&name, ".standing");
    bool ok = spoolfile_load(spool, SPOOL_ACCOUNT, name.data, FILE_MAX, &text, err);
    account_state_decode(state, str_text(&text), text.len);
    str_clear(&text);
    str_clear(&name);
    return ok;
}

static bool change_file(int fd, bool (*change)(struct account_state *state, void *context),
                        void *context, struct account_state *state, struct error *err)
{
    char text[FILE_MAX];
    size_t got;
    if (!spoolfile_read(fd, 0, text, sizeof text, &got, err))
        return false;
    account_state_decode(state, text, got);
    if (!change(state, context))
        return true;
    struct str new = {0};
    account_state_encode(state, &new);
    bool ok = spoolfile_overwrite(fd, &new, err);
    str_clear(&new);
    return ok;
}

bool account_state_change(const struct spool *spool, const char *account,
                          bool (*change)(struct account_state *state, void *context), void *context,
                          struct account_state *state, struct error *err)
{
    struct account_state own;
    struct str name = {0};
    int fd;
    bool locked;
    tokenizer_add_name(&name, account);
    str_add(&name, ".standing");
    bool ok = spoolfile_share(spool, name.data, &fd, &locked, err);
    if (ok) {
        if (!locked)
            (void)spoolfile_lock(fd, LOCK_WAIT); /* without it the file mends itself */
        ok = change_file(fd, change, context, state ? state : &own, err);
        spoolfile_close(fd);
    }
    str_clear(&name);
    return ok;
}
