#include "config.h"
#include "queue/account_state.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/spoolfile.h"
#include "queue/tokenizer.h"

enum { FILE_MAX = 4096, LOCK_WAIT = 200 }; /* octets; milliseconds */

enum field_type { NUMBER, TEXT, COUNTS };

/* The file has one line: the name and the value of each field, in this order, then a checksum. */
static const struct field {
    const char *name;
    enum field_type type;
    size_t offset, size; /* of the member */
    uint64_t limit;      /* of a number */
} fields[] = {
#define FIELD(name, type, member, limit)                                                           \
    {                                                                                              \
        name, type, offsetof(struct account_state, member),                                        \
            sizeof((struct account_state *)0)->member, limit                                       \
    }
#define TIME_MAX TOKENIZER_TIME_MAX
    FIELD("failures", NUMBER, breaker.failures, UINT16_MAX),
    FIELD("cause", NUMBER, breaker.cause, CAUSE_LOGIN),
    FIELD("after_login", NUMBER, breaker.after_login, true),
    FIELD("since", NUMBER, breaker.since, TIME_MAX),
    FIELD("last", NUMBER, breaker.last, TIME_MAX),
    FIELD("until", NUMBER, breaker.until, TIME_MAX),
    FIELD("depends", NUMBER, breaker.depends, UINT64_MAX),
    FIELD("reason", TEXT, breaker.reason, 0),
    FIELD("suspect", TEXT, suspect, 0),
    FIELD("suspect_depends", NUMBER, suspect_depends, UINT64_MAX),
    FIELD("cleared", NUMBER, cleared, TIME_MAX),
    FIELD("verified", NUMBER, verified, UINT64_MAX),
    FIELD("connections", NUMBER, connections, UINT16_MAX),
    FIELD("connections_at", NUMBER, connections_at, TIME_MAX),
    FIELD("minute", NUMBER, sent[0].slice, TIME_MAX),
    FIELD("in_minute", COUNTS, sent[0].count, UINT32_MAX),
    FIELD("hour", NUMBER, sent[1].slice, TIME_MAX),
    FIELD("in_hour", COUNTS, sent[1].count, UINT32_MAX),
    FIELD("day", NUMBER, sent[2].slice, TIME_MAX),
    FIELD("in_day", COUNTS, sent[2].count, UINT32_MAX),
    FIELD("rate_until", NUMBER, rate_until, TIME_MAX),
    FIELD("null_refused", NUMBER, null_refused, TIME_MAX),
    FIELD("bdat_refused", NUMBER, bdat_refused, TIME_MAX),
    FIELD("streaming_refused", NUMBER, streaming_refused, TIME_MAX),
    FIELD("host", COUNTS, host, UINT32_MAX),
    FIELD("host_failed", COUNTS, host_failed, UINT32_MAX),
    FIELD("bounce_hour", NUMBER, bounce_hour, TIME_MAX),
    FIELD("bounces", NUMBER, bounces, UINT32_MAX),
    FIELD("login_reported", NUMBER, login_reported, TIME_MAX),
    FIELD("alerted", NUMBER, alerted, TIME_MAX),
    FIELD("notice_hour", NUMBER, notice_hour, TIME_MAX),
};

enum { FIELDS = sizeof fields / sizeof *fields };

static uint64_t get_number(const struct field *f, const void *member)
{
    uint32_t narrow = 0;
    uint64_t wide = 0;
    if (f->size == sizeof(bool))
        return *(const bool *)member;
    memcpy(f->size == sizeof narrow ? (void *)&narrow : (void *)&wide, member, f->size);
    return f->size == sizeof narrow ? narrow : wide;
}

static void set_number(const struct field *f, void *member, uint64_t number)
{
    uint32_t narrow = (uint32_t)number;
    bool flag = number != 0;
    memcpy(member,
           f->size == sizeof flag     ? (void *)&flag
           : f->size == sizeof narrow ? (void *)&narrow
                                      : (void *)&number,
           f->size);
}

static void add_counts(const struct field *f, const char *member, struct str *out)
{
    const uint32_t *count = (const uint32_t *)(const void *)member;
    for (size_t i = 0; i < f->size / sizeof *count; i++)
        str_addf(out, "%s%" PRIu32, i ? " " : "", count[i]);
}

static bool take_counts(const struct field *f, char *member, struct tokenizer *tokens)
{
    uint32_t *count = (uint32_t *)(void *)member;
    uint64_t number;
    for (size_t i = 0; i < f->size / sizeof *count; i++) {
        if (!tokenizer_decimal(tokens, f->limit, &number))
            return false;
        count[i] = (uint32_t)number;
    }
    return true;
}

void account_state_encode(const struct account_state *state, struct str *out)
{
    size_t start = out->len;
    for (size_t i = 0; i < FIELDS; i++) {
        const char *member = (const char *)state + fields[i].offset;
        str_addf(out, "%s%s ", i ? " " : "", fields[i].name);
        if (fields[i].type == TEXT)
            tokenizer_add(out, member);
        else if (fields[i].type == COUNTS)
            add_counts(&fields[i], member, out);
        else
            str_addf(out, "%" PRIu64, get_number(&fields[i], member));
    }
    tokenizer_seal(out, start);
}

static bool decode_field(const struct field *f, struct account_state *state,
                         struct tokenizer *tokens)
{
    char *member = (char *)state + f->offset;
    uint64_t number;
    if (!tokenizer_is(tokens, f->name))
        return false;
    if (f->type == NUMBER) {
        if (!tokenizer_decimal(tokens, f->limit, &number))
            return false;
        set_number(f, member, number);
        return true;
    }
    if (f->type == COUNTS)
        return take_counts(f, member, tokens);
    char *text = tokenizer_next(tokens);
    if (text)
        (void)snprintf(member, f->size, "%s", text);
    free(text);
    return text != NULL;
}

static bool decode(struct account_state *state, const char *data, size_t len)
{
    struct tokenizer tokens;
    if (!tokenizer_open(&tokens, data, len))
        return false;
    for (size_t i = 0; i < FIELDS; i++)
        if (!decode_field(&fields[i], state, &tokens))
            return false;
    return tokenizer_end(&tokens);
}

void account_state_decode(struct account_state *state, const char *data, size_t len)
{
    *state = (struct account_state){0};
    if (!decode(state, data, len))
        *state = (struct account_state){0};
}

bool account_state_suspect(struct account_state *state, const char *id, int64_t last,
                           const struct breaker_failure *failure, uint64_t random)
{
    bool closed = state->breaker.failures == 0;
    if (closed && last > 0 && last <= state->cleared)
        return true;
    bool verified = !closed || (*state->suspect && strcmp(state->suspect, id) != 0);
    if (verified) {
        breaker_open(&state->breaker, failure, random);
        return false;
    }
    (void)snprintf(state->suspect, sizeof state->suspect, "%s", id);
    state->suspect_depends = failure->depends;
    return false;
}

bool account_state_remembers(int64_t when, int64_t now)
{
    return when > 0 && when <= now && now - when < ACCOUNT_STATE_MEMORY;
}

bool account_state_clear(struct account_state *state, int64_t now)
{
    if (!*state->suspect && state->breaker.failures == 0)
        return false;
    if (*state->suspect)
        state->cleared = now;
    *state->suspect = '\0';
    breaker_close(&state->breaker);
    return true;
}

unsigned account_state_connections(const struct account_state *state, unsigned max, int64_t now)
{
    int64_t grown = (now - state->connections_at) / ACCOUNT_STATE_GROW;
    if (state->connections == 0 || grown < 0 || grown >= max)
        return max;
    unsigned allowed = state->connections + (unsigned)grown;
    return allowed < max ? allowed : max;
}

void account_state_refuse_connection(struct account_state *state, unsigned others, int64_t now)
{
    state->connections = others > 0 ? others : 1;
    state->connections_at = now;
}

bool account_state_count_message(struct account_state *state,
                                 const uint32_t most[ACCOUNT_STATE_SPANS], int64_t now)
{
    static const int64_t span[ACCOUNT_STATE_SPANS] = {60, 3600, 24 * 3600};
    int64_t until = now;
    for (size_t i = 0; i < ACCOUNT_STATE_SPANS; i++) {
        if (most[i] == 0)
            continue;
        int64_t when = window_count_free(&state->sent[i], span[i], most[i], now);
        until = when > until ? when : until;
    }
    state->rate_until = until > now ? until : 0;
    for (size_t i = 0; until == now && i < ACCOUNT_STATE_SPANS; i++)
        if (most[i] > 0)
            window_count_add(&state->sent[i], span[i], now);
    return until == now;
}

void account_state_hold_host(struct account_state *state, uint32_t host, int64_t now)
{
    size_t at = 0;
    for (size_t i = 0; i < ACCOUNT_STATE_HOSTS; i++) {
        if (state->host[i] == host) {
            at = i;
            break;
        }
        if (state->host_failed[i] < state->host_failed[at])
            at = i;
    }
    if (now == 0 && state->host[at] != host)
        return;
    state->host[at] = now ? host : 0;
    state->host_failed[at] = (uint32_t)now;
}

bool account_state_host_is_held(const struct account_state *state, uint32_t host, int64_t now)
{
    for (size_t i = 0; i < ACCOUNT_STATE_HOSTS; i++)
        if (state->host[i] == host && now >= state->host_failed[i] &&
            now - state->host_failed[i] < ACCOUNT_STATE_HOST_HELD)
            return true;
    return false;
}

bool account_state_count_bounce(struct account_state *state, unsigned most, int64_t now)
{
    int64_t hour = now / 3600;
    if (hour != state->bounce_hour) {
        state->bounce_hour = hour;
        state->bounces = 0;
    }
    if (state->bounces >= most)
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

/* The name of its file. */
static void add_name(struct str *out, const char *account)
{
    tokenizer_add_name(out, account);
    str_add(out, ".state");
}

void account_state_read(struct account_state *state, const struct spool *spool, const char *account)
{
    struct str name = {0}, text = {0};
    struct error ignored; /* then nothing is known */
    add_name(&name, account);
    (void)spoolfile_load(spool, SPOOL_ACCOUNT, name.data, &text, &ignored);
    account_state_decode(state, str_text(&text), text.len);
    str_clear(&text);
    str_clear(&name);
}

bool account_file_begin(struct account_file *file, const struct spool *spool, const char *account)
{
    char text[FILE_MAX];
    struct str name = {0};
    struct error ignored; /* losing the file costs a few attempts, and so does this */
    bool locked;
    ssize_t got = -1;
    add_name(&name, account);
    if (spoolfile_share(spool, name.data, &file->fd, &locked, &ignored)) {
        if (!locked)
            (void)spoolfile_lock(file->fd, LOCK_WAIT); /* without it the file mends itself */
        got = spoolfile_read(file->fd, 0, text, sizeof text, &ignored);
        if (got >= 0)
            account_state_decode(&file->state, text, (size_t)got);
        else
            spoolfile_close(file->fd);
    }
    str_clear(&name);
    return got >= 0;
}

void account_file_end(struct account_file *file, bool changed)
{
    struct str text = {0};
    struct error ignored; /* as above */
    if (changed) {
        account_state_encode(&file->state, &text);
        (void)spoolfile_overwrite(file->fd, &text, &ignored);
        str_clear(&text);
    }
    spoolfile_close(file->fd);
}
