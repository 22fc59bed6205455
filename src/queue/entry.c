#include "config.h"
#include "queue/entry.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/memory.h"
#include "base/translation.h"
#include "queue/tokenizer.h"

static const char first_words[] = "onehop-entry ";
static const char end_words[] = "onehop-end ";
static const char last_line[] = "content\n";

static enum entry_state damaged(struct error *err, const char *what)
{
    error_set(err, ERROR_MESSAGE, ERROR_PERMANENT, EX_DATAERR, "%s", what);
    error_prefix(err, "damaged entry");
    return ENTRY_DAMAGED;
}

static void add_line(struct str *out, const char *key, const char *text)
{
    str_addf(out, "%s ", key);
    tokenizer_add(out, text);
    str_add_char(out, '\n');
}

static void add_wishes(struct str *out, const struct envelope *envelope)
{
    if (envelope->dsn_return != DSN_RETURN_UNSET)
        str_addf(out, "return %u\n", (unsigned)envelope->dsn_return);
    if (envelope->envid && *envelope->envid)
        add_line(out, "envid", envelope->envid);
    if (envelope->body_8bit_wish)
        str_add(out, "8bit\n");
}

static void add_recipient(struct str *out, const struct recipient *recipient)
{
    str_add(out, "rcpt ");
    tokenizer_add(out, recipient->address);
    if (recipient->notify || recipient->orcpt)
        str_addf(out, " %u", recipient->notify);
    if (recipient->orcpt) {
        str_add_char(out, ' ');
        tokenizer_add(out, recipient->orcpt);
    }
    str_add_char(out, '\n');
}

bool entry_encode_head(struct str *out, const struct entry *entry, struct error *err)
{
    size_t start = out->len;
    str_addf(out, "%s%d %08x\n", first_words, ENTRY_VERSION, 0u);
    add_line(out, "account", entry->account);
    add_line(out, "sender", entry->envelope.sender);
    if (entry->from && *entry->from)
        add_line(out, "from", entry->from);
    if (entry->has_uid)
        str_addf(out, "uid %" PRIu32 "\n", entry->uid);
    add_wishes(out, &entry->envelope);
    if (*entry->bounce_of)
        add_line(out, "bounce", entry->bounce_of);
    for (size_t i = 0; i < entry->envelope.n && out->len - start <= ENTRY_HEAD_MAX; i++)
        add_recipient(out, &entry->envelope.rcpt[i]);
    str_add(out, last_line);
    size_t length = out->len - start;
    if (length > ENTRY_HEAD_MAX)
        return error_set(err, ERROR_MESSAGE, ERROR_PERMANENT, EX_DATAERR,
                         "the envelope is larger than %d bytes", ENTRY_HEAD_MAX);
    char line[ENTRY_FIRST_LINE + 1];
    (void)snprintf(line, sizeof line, "%s%d %08zx\n", first_words, ENTRY_VERSION, length);
    memcpy(out->data + start, line, ENTRY_FIRST_LINE);
    return true;
}

enum entry_state entry_head_length(const char *line, size_t len, size_t *length, struct error *err)
{
    size_t prefix = sizeof first_words - 1;
    if (len < ENTRY_FIRST_LINE || memcmp(line, first_words, prefix) != 0)
        return damaged(err, N_("it does not begin as an entry does"));
    const char *end = memchr(line, '\n', len);
    struct tokenizer tokens = {line + prefix, end ? end : line + len};
    uint64_t version, number;
    if (!tokenizer_decimal(&tokens, 1000000, &version) || version < 1)
        return damaged(err, N_("its version is no number"));
    if (version > ENTRY_VERSION) {
        error_set(err, ERROR_MESSAGE, ERROR_TEMPORARY, EX_TEMPFAIL,
                  "entry of version %u: a newer onehop is needed to read it", (unsigned)version);
        return ENTRY_NEWER;
    }
    if (!end || end - line + 1 != ENTRY_FIRST_LINE || !tokenizer_hex(&tokens, &number) ||
        !tokenizer_end(&tokens) || number < ENTRY_FIRST_LINE || number > ENTRY_HEAD_MAX)
        return damaged(err, N_("the length of its head makes no sense"));
    *length = (size_t)number;
    return ENTRY_GOOD;
}

static bool take_text(struct tokenizer *tokens, char **slot)
{
    char *text = *slot ? NULL : tokenizer_next(tokens); /* a key that comes twice is damage */
    *slot = text ? text : *slot;
    return text != NULL;
}

static bool take_recipient(struct tokenizer *tokens, struct envelope *envelope)
{
    uint64_t notify = 0;
    char *text = tokenizer_next(tokens), *orcpt = NULL;
    bool ok = text && (tokenizer_end(tokens) || tokenizer_decimal(tokens, DSN_ALL, &notify)) &&
              (tokenizer_end(tokens) || ((orcpt = tokenizer_next(tokens)) != NULL && *orcpt));
    if (!ok) {
        free(text);
        free(orcpt);
        return false;
    }
    envelope->rcpt =
        memory_grow(envelope->rcpt, envelope->n, &envelope->size, sizeof *envelope->rcpt);
    envelope->rcpt[envelope->n++] =
        (struct recipient){.address = text, .orcpt = orcpt, .notify = (unsigned)notify};
    return true;
}

static bool take_bounce(struct tokenizer *tokens, struct entry *entry)
{
    char *text = tokenizer_next(tokens);
    bool ok = text && entryid_valid(text) && !*entry->bounce_of;
    if (ok)
        memcpy(entry->bounce_of, text, ENTRYID_SIZE);
    free(text);
    return ok;
}

/* NOTIFY is that of all recipients, which version 1 wrote once. */
static bool take_line(struct tokenizer *tokens, struct entry *entry, unsigned *notify)
{
    struct envelope *envelope = &entry->envelope;
    uint64_t number = 0;
    if (tokenizer_is(tokens, "rcpt"))
        return take_recipient(tokens, envelope);
    if (tokenizer_is(tokens, "account"))
        return take_text(tokens, &entry->account);
    if (tokenizer_is(tokens, "sender"))
        return take_text(tokens, &envelope->sender);
    if (tokenizer_is(tokens, "from"))
        return take_text(tokens, &entry->from);
    if (tokenizer_is(tokens, "envid"))
        return take_text(tokens, &envelope->envid);
    if (tokenizer_is(tokens, "bounce"))
        return take_bounce(tokens, entry);
    if (tokenizer_is(tokens, "8bit"))
        return envelope->body_8bit_wish = true;
    if (tokenizer_is(tokens, "uid")) {
        entry->has_uid = tokenizer_decimal(tokens, UINT32_MAX, &number);
        entry->uid = (uint32_t)number;
        return entry->has_uid;
    }
    if (tokenizer_is(tokens, "notify") && tokenizer_decimal(tokens, DSN_ALL, &number)) {
        *notify = (unsigned)number;
        return true;
    }
    if (tokenizer_is(tokens, "return") && tokenizer_decimal(tokens, DSN_RETURN_HEADERS, &number)) {
        envelope->dsn_return = (enum dsn_return)number;
        return true;
    }
    return false;
}

enum entry_state entry_decode_head(struct entry *entry, const char *head, size_t len,
                                   struct error *err)
{
    size_t length, tail = sizeof last_line - 1;
    unsigned notify = 0;
    enum entry_state state = entry_head_length(head, len, &length, err);
    if (state != ENTRY_GOOD)
        return state;
    if (length != len || len < ENTRY_FIRST_LINE + tail ||
        memcmp(head + len - tail, last_line, tail) != 0)
        return damaged(err, N_("its head is cut short"));
    const char *end = head + len - tail;
    for (const char *line = head + ENTRY_FIRST_LINE; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        struct tokenizer tokens = {line, stop};
        if (!stop || !take_line(&tokens, entry, &notify) || !tokenizer_end(&tokens))
            return damaged(err, N_("a line of its head makes no sense"));
        line = stop + 1;
    }
    if (!entry->account || !entry->envelope.sender || entry->envelope.n == 0)
        return damaged(err, N_("its head lacks account, sender or recipients"));
    envelope_default_notify(&entry->envelope, notify);
    if (!entry->from)
        entry->from = memory_copy("");
    entry->offset = len;
    return ENTRY_GOOD;
}

void entry_encode_end(char mark[ENTRY_END_MARK], const struct entry *entry, uint64_t checksum)
{
    char text[ENTRY_END_MARK + 1];
    (void)snprintf(text, sizeof text, "%s%016" PRIx64 " %d%d %016" PRIx64 "\n", end_words,
                   entry->size, entry->has_8bit, entry->has_8bit_header, checksum);
    memcpy(mark, text, ENTRY_END_MARK);
}

static bool take_flag(char c, bool *flag)
{
    *flag = c == '1';
    return c == '0' || c == '1';
}

enum entry_state entry_decode_end(struct entry *entry, struct entry_end *end, struct error *err)
{
    const char *mark = end->mark;
    size_t prefix = sizeof end_words - 1, len = end->len;
    if (len != ENTRY_END_MARK || memcmp(mark, end_words, prefix) != 0 || mark[len - 1] != '\n')
        return damaged(err, N_("it was cut short: there is no end mark"));
    struct tokenizer tokens = {mark + prefix, mark + len - 1};
    if (!tokenizer_hex(&tokens, &entry->size) || tokens.end - tokens.at < 19 ||
        !take_flag(tokens.at[0], &entry->has_8bit) ||
        !take_flag(tokens.at[1], &entry->has_8bit_header) || tokens.at[2] != ' ')
        return damaged(err, N_("its end mark makes no sense"));
    tokens.at += 3;
    if (!tokenizer_hex(&tokens, &end->checksum) || !tokenizer_end(&tokens))
        return damaged(err, N_("its end mark makes no sense"));
    if (end->file_size < entry->offset + ENTRY_END_MARK ||
        entry->size != end->file_size - entry->offset - ENTRY_END_MARK)
        return damaged(err, N_("its size is not what the end mark says"));
    return ENTRY_GOOD;
}

void entry_copy(struct entry *to, const struct entry *from)
{
    struct entry copy = *from;
    copy.account = memory_copy(from->account ? from->account : "");
    copy.from = memory_copy(from->from ? from->from : "");
    copy.envelope = (struct envelope){0};
    envelope_copy(&copy.envelope, &from->envelope);
    entry_clear(to);
    *to = copy;
}

void entry_clear(struct entry *entry)
{
    envelope_clear(&entry->envelope);
    free(entry->account);
    free(entry->from);
    *entry = (struct entry){0};
}
