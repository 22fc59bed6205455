#include "config.h"
#include "queue/journal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "queue/checksum.h"
#include "queue/tokenizer.h"

enum { SUM_LENGTH = 16 };

static const char *const status_names[] = {
    [JOURNAL_WAITING] = "waiting",
    [JOURNAL_SENT] = "sent",
    [JOURNAL_FAILED] = "failed",
};

void journal_begin(struct journal *journal, const char *id, size_t n)
{
    (void)snprintf(journal->id, sizeof journal->id, "%s", id); /* an id always fits */
    journal->n = n;
    journal->rcpt = memory_new(n * sizeof *journal->rcpt);
}

static uint64_t sum_of(const struct journal *journal, const char *line, size_t len)
{
    return checksum_of(line, len, checksum_of(journal->id, strlen(journal->id), 0));
}

/* Appends TEXT, which is cleared, as a line with its checksum. */
static void add_line(const struct journal *journal, struct str *out, struct str *text)
{
    str_addf(out, "%016" PRIx64 " %s\n", sum_of(journal, text->data, text->len), text->data);
    str_clear(text);
}

static void add_status(const struct journal *journal, struct str *out, size_t first, size_t n)
{
    const struct progress *p = &journal->rcpt[first];
    const struct error *why = p->why;
    struct str text = {0};
    str_addf(&text, "%s %zu-%zu", status_names[p->status], first, first + n - 1);
    if (p->status != JOURNAL_SENT && why) {
        str_addf(&text, " %d %d %d %d ", (int)why->scope, (int)why->class, why->code,
                 why->reply_code);
        tokenizer_add(&text, why->status);
        str_add_char(&text, ' ');
        tokenizer_add(&text, why->text);
        str_add_char(&text, ' ');
        tokenizer_add(&text, why->reply);
    }
    add_line(journal, out, &text);
}

static void add_attempt(const struct journal *journal, struct str *out)
{
    struct str text = {0};
    str_addf(&text, "attempt %u %" PRId64 " %" PRId64, journal->attempts, journal->last,
             journal->next);
    add_line(journal, out, &text);
}

static void add_bounced(const struct journal *journal, struct str *out, unsigned number)
{
    struct str text = {0};
    str_addf(&text, "bounced %u", number);
    add_line(journal, out, &text);
}

static void add_word(const struct journal *journal, struct str *out, const char *word)
{
    struct str text = {0};
    str_add(&text, word);
    add_line(journal, out, &text);
}

static void add_text(const struct journal *journal, struct str *out, const char *word,
                     const char *text)
{
    struct str line = {0};
    str_add(&line, word);
    tokenizer_add(&line, text);
    add_line(journal, out, &line);
}

static void end_run(struct journal *journal)
{
    if (journal->run_n > 0)
        add_status(journal, &journal->pending, journal->run_first, journal->run_n);
    journal->run_n = 0;
}

static bool same_reason(const struct error *a, const struct error *b)
{
    if (!a || !b)
        return a == b;
    return a->scope == b->scope && a->class == b->class && a->code == b->code &&
           a->reply_code == b->reply_code && strcmp(a->status, b->status) == 0 &&
           strcmp(a->text, b->text) == 0 && strcmp(a->reply, b->reply) == 0;
}

static void set_reason(struct error **to, const struct error *from, bool cut)
{
    if (!from)
        return;
    struct error *copy = error_copy(from);
    if (cut)
        copy->reply[JOURNAL_REPLY_MAX] = '\0';
    free(*to);
    *to = copy;
}

static bool same_status(const struct progress *a, const struct progress *b)
{
    return a->status == b->status && a->bounce == b->bounce &&
           (a->status == JOURNAL_SENT || same_reason(a->why, b->why));
}

void journal_settle(struct journal *journal, size_t i, enum journal_status status,
                    const struct error *why)
{
    assert(i < journal->n && (status != JOURNAL_FAILED || why));
    struct progress *p = &journal->rcpt[i];
    if (p->status != JOURNAL_WAITING)
        return;
    struct progress new = {.status = status};
    set_reason(&new.why, status == JOURNAL_SENT ? NULL : why, status == JOURNAL_WAITING);
    bool news = status != JOURNAL_WAITING || (new.why && !same_reason(new.why, p->why));
    if (!news) {
        free(new.why);
        return;
    }
    free(p->why);
    *p = new;
    journal->must_sync = journal->must_sync || status != JOURNAL_WAITING;
    if (journal->run_n > 0 && journal->run_first + journal->run_n == i &&
        same_status(&journal->rcpt[journal->run_first], p)) {
        journal->run_n++;
        return;
    }
    end_run(journal);
    journal->run_first = i;
    journal->run_n = 1;
}

void journal_attempt(struct journal *journal, int64_t now, int64_t next)
{
    end_run(journal);
    journal->attempts++;
    journal->last = now;
    journal->next = next;
    add_attempt(journal, &journal->pending);
}

void journal_undecided(struct journal *journal)
{
    if (journal->undecided)
        return;
    end_run(journal);
    journal->undecided = true;
    add_word(journal, &journal->pending, "undecided");
    journal->must_sync = true;
}

static void mark_bounced(struct journal *journal, unsigned number)
{
    for (size_t i = 0; i < journal->n; i++)
        if (journal->rcpt[i].status == JOURNAL_FAILED && journal->rcpt[i].bounce == 0)
            journal->rcpt[i].bounce = number;
    if (number > journal->bounces)
        journal->bounces = number;
}

void journal_bounced(struct journal *journal, unsigned number)
{
    end_run(journal);
    mark_bounced(journal, number);
    add_bounced(journal, &journal->pending, number);
    journal->must_sync = true;
}

void journal_declined(struct journal *journal, const char *text)
{
    if (journal->declined)
        return;
    end_run(journal);
    journal->declined = memory_copy(text);
    add_text(journal, &journal->pending, "declined ", text);
}

bool journal_is_tied(const struct journal *journal)
{
    return journal->undecided || journal->declined != NULL;
}

void journal_warned(struct journal *journal)
{
    end_run(journal);
    journal->warned = true;
    add_word(journal, &journal->pending, "warned");
    journal->must_sync = true;
}

void journal_note(struct journal *journal, const char *text)
{
    end_run(journal);
    free(journal->note);
    journal->note = memory_copy(text);
    add_text(journal, &journal->pending, "note ", journal->note);
    journal->must_sync = true;
}

static void reset(struct journal *journal)
{
    for (size_t i = 0; i < journal->n; i++)
        if (journal->rcpt[i].status == JOURNAL_FAILED && journal->rcpt[i].bounce == 0)
            journal->rcpt[i].status = JOURNAL_WAITING;
    free(journal->note);
    journal->note = NULL;
    journal->attempts = 0;
    journal->next = 0;
}

void journal_again(struct journal *journal)
{
    end_run(journal);
    reset(journal);
    add_word(journal, &journal->pending, "again");
    journal->must_sync = true;
}

const struct str *journal_pending(struct journal *journal)
{
    end_run(journal);
    return &journal->pending;
}

void journal_written(struct journal *journal)
{
    str_truncate(&journal->pending, 0);
    journal->must_sync = false;
}

/* Reading. */

static bool take_int(struct tokenizer *tokens, uint64_t limit, int *number)
{
    uint64_t value;
    if (!tokenizer_decimal(tokens, limit, &value))
        return false;
    *number = (int)value;
    return true;
}

/* Takes one token into a text of SIZE octets. */
static bool take_text(struct tokenizer *tokens, char *text, size_t size)
{
    char *token = tokenizer_next(tokens);
    bool fits = token && strlen(token) < size;
    if (fits)
        memcpy(text, token, strlen(token) + 1);
    free(token);
    return fits;
}

static bool take_reason(struct tokenizer *tokens, struct error *why)
{
    int scope, class;
    if (!take_int(tokens, ERROR_RECIPIENT, &scope) || !take_int(tokens, ERROR_PERMANENT, &class) ||
        !take_int(tokens, 255, &why->code) || !take_int(tokens, 999, &why->reply_code))
        return false;
    why->scope = (enum error_scope)scope;
    why->class = (enum error_class) class;
    return take_text(tokens, why->status, sizeof why->status) &&
           take_text(tokens, why->text, sizeof why->text) &&
           take_text(tokens, why->reply, sizeof why->reply);
}

static bool take_range(struct tokenizer *tokens, size_t n, size_t *first, size_t *last)
{
    const char *dash = memchr(tokens->at, '-', (size_t)(tokens->end - tokens->at));
    if (!dash || n == 0)
        return false;
    struct tokenizer left = {tokens->at, dash};
    uint64_t a, b;
    tokens->at = dash + 1;
    if (!tokenizer_decimal(&left, n - 1, &a) || !tokenizer_end(&left) ||
        !tokenizer_decimal(tokens, n - 1, &b) || a > b)
        return false;
    *first = (size_t)a;
    *last = (size_t)b;
    return true;
}

static bool take_status(struct journal *journal, struct tokenizer *tokens,
                        enum journal_status status)
{
    size_t first, last;
    struct error why = {0};
    bool ok = take_range(tokens, journal->n, &first, &last) &&
              (status == JOURNAL_SENT ? tokenizer_end(tokens)
                                      : take_reason(tokens, &why) && tokenizer_end(tokens));
    for (size_t i = first; ok && i <= last; i++) {
        if (journal->rcpt[i].status != JOURNAL_WAITING)
            continue;
        journal->rcpt[i].status = status;
        free(journal->rcpt[i].why);
        journal->rcpt[i].why = status == JOURNAL_SENT ? NULL : error_copy(&why);
    }
    return ok;
}

static bool take_attempt(struct journal *journal, struct tokenizer *tokens)
{
    uint64_t number;
    int64_t last, next;
    if (!tokenizer_decimal(tokens, UINT32_MAX, &number) || !tokenizer_time(tokens, &last) ||
        !tokenizer_time(tokens, &next) || !tokenizer_end(tokens))
        return false;
    journal->attempts = (unsigned)number;
    journal->last = last;
    journal->next = next;
    return true;
}

static bool take_rest(char **field, struct tokenizer *tokens)
{
    char *text = tokenizer_next(tokens);
    if (!text || !tokenizer_end(tokens)) {
        free(text);
        return false;
    }
    free(*field);
    *field = text;
    return true;
}

static bool take_line(struct journal *journal, const char *line, size_t len)
{
    struct tokenizer tokens = {line, line + len};
    uint64_t sum, number;
    if (len <= SUM_LENGTH || line[SUM_LENGTH] != ' ' || !tokenizer_hex(&tokens, &sum) ||
        sum != sum_of(journal, tokens.at, (size_t)(tokens.end - tokens.at)))
        return false;
    for (enum journal_status status = JOURNAL_WAITING; status <= JOURNAL_FAILED; status++)
        if (tokenizer_is(&tokens, status_names[status]))
            return take_status(journal, &tokens, status);
    if (tokenizer_is(&tokens, "attempt"))
        return take_attempt(journal, &tokens);
    if (tokenizer_is(&tokens, "note"))
        return take_rest(&journal->note, &tokens);
    if (tokenizer_is(&tokens, "warned"))
        return journal->warned = tokenizer_end(&tokens);
    if (tokenizer_is(&tokens, "undecided"))
        return journal->undecided = tokenizer_end(&tokens);
    if (tokenizer_is(&tokens, "declined"))
        return take_rest(&journal->declined, &tokens);
    if (tokenizer_is(&tokens, "again")) {
        bool ok = tokenizer_end(&tokens);
        if (ok)
            reset(journal);
        return ok;
    }
    if (!tokenizer_is(&tokens, "bounced") ||
        !tokenizer_decimal(&tokens, ENTRYID_DERIVED_MAX, &number) || number == 0 ||
        !tokenizer_end(&tokens))
        return false;
    mark_bounced(journal, (unsigned)number);
    return true;
}

void journal_decode(struct journal *journal, const char *data, size_t len)
{
    const char *end = data + len;
    while (data < end) {
        const char *stop = memchr(data, '\n', (size_t)(end - data));
        if (stop != data && (!stop || !take_line(journal, data, (size_t)(stop - data))))
            journal->damaged++;
        data = stop ? stop + 1 : end;
    }
}

/* Failed recipients must stand before the line of their bounce and behind that of the one before,
 * so the bounces are gone through in order, those that are in none last. */
void journal_encode(const struct journal *journal, struct str *out)
{
    for (unsigned round = 1; round <= journal->bounces + 1; round++) {
        unsigned bounce = round <= journal->bounces ? round : 0;
        for (size_t i = 0, next; i < journal->n; i = next) {
            const struct progress *p = &journal->rcpt[i];
            next = i + 1;
            bool blank = p->status == JOURNAL_WAITING && !p->why;
            if (p->bounce != bounce || blank)
                continue;
            while (next < journal->n && same_status(p, &journal->rcpt[next]))
                next++;
            add_status(journal, out, i, next - i);
        }
        if (bounce > 0)
            add_bounced(journal, out, bounce);
    }
    if (journal->warned)
        add_word(journal, out, "warned");
    if (journal->undecided)
        add_word(journal, out, "undecided");
    if (journal->declined)
        add_text(journal, out, "declined ", journal->declined);
    if (journal->attempts > 0)
        add_attempt(journal, out);
    if (journal->note && *journal->note)
        add_text(journal, out, "note ", journal->note);
}

void journal_encode_sent(const struct journal *journal, struct str *out)
{
    for (size_t i = 0, next; i < journal->n; i = next) {
        for (next = i; next < journal->n && journal->rcpt[next].status == JOURNAL_SENT;)
            next++;
        if (next > i)
            add_status(journal, out, i, next - i);
        else
            next++;
    }
}

size_t journal_count(const struct journal *journal, enum journal_status status)
{
    size_t n = 0;
    for (size_t i = 0; i < journal->n; i++)
        n += journal->rcpt[i].status == status;
    return n;
}

size_t journal_unbounced(const struct journal *journal)
{
    size_t n = 0;
    for (size_t i = 0; i < journal->n; i++)
        n += journal->rcpt[i].status == JOURNAL_FAILED && journal->rcpt[i].bounce == 0;
    return n;
}

void journal_clear(struct journal *journal)
{
    for (size_t i = 0; i < journal->n; i++)
        free(journal->rcpt[i].why);
    free(journal->rcpt);
    free(journal->note);
    free(journal->declined);
    str_clear(&journal->pending);
    *journal = (struct journal){0};
}
