#include "config.h"
#include "delivery/notice.h"

#include <string.h>

#include "base/escape.h"
#include "message/complete.h"
#include "queue/account_state.h"
#include "queue/entry_writer.h"

struct notice {
    const struct delivery_context *delivery;
    const struct account *about;   /* its admin gets the mail */
    const struct account *carrier; /* the account that relays it */
    const struct entry_lock *lock; /* its id derives from this entry's */
    unsigned number;               /* of what derives from it */
    const char *subject;           /* "... on HOST ..." with one %s */
    const char *reason, *closing;
};

static bool fails(const struct delivery_context *delivery, const struct account *account)
{
    struct account_state state;
    account_state_read(&state, delivery->spool, account->name);
    return state.breaker.failures > 0;
}

static const struct account *find_carrier(const struct delivery_context *delivery,
                                          const struct account *about)
{
    if (!fails(delivery, about))
        return about;
    for (size_t i = 0; i < delivery->site->config.n; i++) {
        const struct account *other = delivery->site->config.account[i];
        if (other->scope == about->scope && strcmp(other->name, about->name) != 0 &&
            *account_address(other) && !fails(delivery, other))
            return other;
    }
    return about;
}

static void add_text(const struct notice *n, const char *id, struct str *text)
{
    const char *host = this_host_best_name(&n->delivery->site->host);
    struct str date = {0};
    complete_date(&date, (time_t)n->delivery->now());
    str_addf(text, "From: Mail Delivery System <%s>\r\nTo: %s\r\n", account_address(n->carrier),
             account_admin(n->about));
    str_addf(text, "Subject: %s on %s\r\nDate: %s\r\nMessage-ID: <%s@%s>\r\n", n->subject, host,
             str_text(&date), id, host);
    str_add(text, "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
                  "Content-Type: text/plain; charset=utf-8\r\n"
                  "Content-Transfer-Encoding: 8bit\r\n\r\n");
    str_addf(text,
             "%s: account %s on %s, entry %s among others.\r\n\r\n"
             "The reason: %s\r\n\r\n%s",
             n->subject, n->about->name, host, n->lock->entry.id, n->reason, n->closing);
    str_clear(&date);
}

static void write_notice(const struct notice *n)
{
    struct entry_writer writer = {0};
    struct entry entry = {.account = n->carrier->name, .from = (char *)"", .offset = 0};
    struct str text = {0};
    struct error ignored;
    if (!entryid_derive(entry.id, n->lock->entry.id, n->number))
        return; /* of a bounce, or a notice: there is no mail about those */
    memcpy(entry.bounce_of, n->lock->entry.id, sizeof entry.bounce_of);
    envelope_set_sender(&entry.envelope, "");
    (void)envelope_add(&entry.envelope, account_admin(n->about)); /* the first of its recipients */
    add_text(n, entry.id, &text);
    bool ok = entry_writer_begin(&writer, n->delivery->spool, &entry, &ignored);
    writer.entry.has_8bit = !escape_is_ascii(str_text(&text));
    if (ok && output_write(&writer.output, text.data, text.len, &ignored))
        (void)entry_writer_commit(&writer, NULL, &ignored);
    entry_writer_drop(&writer);
    envelope_clear(&entry.envelope);
    str_clear(&text);
}

/* True, and noted, once an hour; also where that cannot be noted. */
static bool is_due(const struct delivery_context *delivery, const struct account *account)
{
    struct account_file file;
    if (!account_file_begin(&file, delivery->spool, account->name))
        return true;
    bool due = account_state_take_notice(&file.state, delivery->now());
    account_file_end(&file, due);
    return due;
}

void notice_expired(const struct settlement *s, const struct entry_lock *lock, const char *reason)
{
    const struct delivery_context *delivery = s->delivery;
    if (!s->account || !*account_admin(s->account) || *lock->entry.bounce_of)
        return;
    struct notice n = {
        .delivery = delivery,
        .about = s->account,
        .carrier = find_carrier(delivery, s->account),
        .lock = lock,
        .number = ENTRYID_EXPIRY_NOTICE,
        .subject = "Mail has expired",
        .reason = reason,
        .closing = "Nothing is lost. `onehopctl queue --failed` lists what is kept, `onehopctl\r\n"
                   "release ID` sends it once more, `onehopctl delete ID` ends it. There is no\r\n"
                   "second notice within the hour.\r\n",
    };
    if (is_due(delivery, s->account))
        write_notice(&n);
}

/* True, and noted, once for each login that has failed for so long; fills REASON. */
static bool is_login_due(const struct delivery_context *delivery, const struct account *account,
                         char reason[BREAKER_REASON_MAX])
{
    struct account_file file;
    if (!account_file_begin(&file, delivery->spool, account->name))
        return false;
    const struct breaker *breaker = &file.state.breaker;
    bool due = breaker->failures > 0 && breaker->cause == CAUSE_LOGIN &&
               delivery->now() - breaker->since >= NOTICE_LOGIN_AFTER &&
               file.state.login_reported != breaker->since;
    memcpy(reason, breaker->reason, BREAKER_REASON_MAX);
    if (due)
        file.state.login_reported = breaker->since;
    account_file_end(&file, due);
    return due;
}

void notice_login_fails(const struct delivery_context *delivery, const struct account *account,
                        const struct entry_lock *lock)
{
    char reason[BREAKER_REASON_MAX] = "";
    if (account->scope != SCOPE_SYSTEM || !*account_admin(account) || *lock->entry.bounce_of)
        return;
    struct notice n = {
        .delivery = delivery,
        .about = account,
        .carrier = find_carrier(delivery, account),
        .lock = lock,
        .number = ENTRYID_LOGIN_NOTICE,
        .subject = "A login has failed for an hour",
        .reason = reason,
        .closing = "Mail through this account waits, and expires when its lifetime is over. A\r\n"
                   "new password is tried at once; `onehopctl check` says whether it works.\r\n",
    };
    if (n.carrier == account)
        return;
    if (is_login_due(delivery, account, reason))
        write_notice(&n);
}
