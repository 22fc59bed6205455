#include "config.h"
#include "delivery/bounce_writer.h"

#include <string.h>

#include "base/escape.h"
#include "message/address.h"
#include "message/complete.h"
#include "queue/account_state.h"
#include "queue/bounce.h"
#include "queue/entry_writer.h"

struct quota {
    int64_t now;
    bool allowed;
    bool just_reached; /* this is the first bounce that is not made */
};

static bool take_from_quota(struct standing *standing, void *context)
{
    struct quota *q = context;
    unsigned before = standing->bounces;
    q->allowed = standing_count_bounce(standing, q->now);
    if (!q->allowed && standing->bounces == STANDING_BOUNCES_PER_HOUR)
        standing->bounces++; /* marks that the summary was sent */
    q->just_reached = !q->allowed && before == STANDING_BOUNCES_PER_HOUR;
    return true;
}

static const char *admin_of(const struct account *account)
{
    return *account->admin ? account->admin : account_address(account);
}

static const char *bounce_recipient(const struct settlement *s, const struct claim *claim)
{
    const char *sender = claim->entry.envelope.sender;
    const char *domain = address_domain(sender);
    if (*domain && !strlist_has(&s->relay->host->names, domain))
        return sender;
    return *s->relay->bounce_to ? s->relay->bounce_to : admin_of(s->account);
}

static bool is_wanted(const struct envelope *env)
{
    return env->notify == 0 || (env->notify & DSN_FAILURE);
}

static bool write_bounce(const struct settlement *s, struct bounce *bounce, struct claim *claim,
                         struct error *err)
{
    struct entry entry = {0};
    struct draft draft = {0};
    bool ok = bounce_entry(bounce, &entry, err);
    bounce->id = entry.id;
    if (ok)
        ok = draft_begin(&draft, s->relay->spool, &entry, err) &&
             bounce_write(bounce, &draft.output, &draft.entry.has_8bit,
                          &draft.entry.has_8bit_header, err) &&
             draft_commit(&draft, NULL, err);
    draft_drop(&draft);
    entry_clear(&entry);
    if (ok) {
        journal_bounced(&claim->journal, claim->journal.bounces + 1);
        ok = claim_save(claim, err);
    }
    return ok;
}

enum bouncing_result bouncing_tell(const struct settlement *s, struct claim *claim,
                                   struct error *err)
{
    const struct entry *entry = &claim->entry;
    if (!is_wanted(&entry->envelope))
        return BOUNCING_NOT_WANTED;
    if (*entry->bounce_of || !*entry->envelope.sender || !s->account)
        return BOUNCING_IMPOSSIBLE;
    const char *to = bounce_recipient(s, claim);
    if (!*to || !*account_address(s->account))
        return BOUNCING_IMPOSSIBLE;
    struct quota quota = {.now = s->relay->now(), .allowed = true};
    struct error ignored; /* without the file there is no limit, but a bounce */
    (void)standing_change(s->relay->spool, s->account->name, take_from_quota, &quota, NULL,
                          &ignored);
    if (quota.just_reached)
        bouncing_notify_admin(s, claim, "too many bounces in one hour");
    if (!quota.allowed)
        return BOUNCING_NOT_NOW;

    struct str date = {0}, arrival = {0};
    complete_date(&date, (time_t)s->relay->now());
    complete_date(&arrival, (time_t)(entryid_arrival(entry->id) / 1000000));
    struct bounce bounce = {
        .original = entry,
        .journal = &claim->journal,
        .content = &claim->content,
        .from = account_address(s->account),
        .to = to,
        .host = *s->relay->host->full_name ? s->relay->host->full_name : s->relay->host->name,
        .provider = s->provider,
        .date = str_text(&date),
        .arrival = str_text(&arrival),
        .full = entry->envelope.dsn_return == DSN_RETURN_FULL,
    };
    bool ok = write_bounce(s, &bounce, claim, err);
    str_clear(&date);
    str_clear(&arrival);
    return ok ? BOUNCING_TOLD : BOUNCING_TROUBLE;
}

struct notice {
    int64_t now;
    bool due;
};

static bool take_notice(struct standing *standing, void *context)
{
    struct notice *notice = context;
    notice->due = standing_take_notice(standing, notice->now);
    return notice->due;
}

static void add_notice(struct str *text, const struct settlement *s, const struct claim *claim,
                       const char *id, const char *reason)
{
    const char *host =
        *s->relay->host->full_name ? s->relay->host->full_name : s->relay->host->name;
    struct str date = {0};
    complete_date(&date, (time_t)s->relay->now());
    str_addf(text, "From: Mail Delivery System <%s>\r\nTo: %s\r\n", account_address(s->account),
             admin_of(s->account));
    str_addf(text, "Subject: Mail on %s was given up\r\nDate: %s\r\nMessage-ID: <%s@%s>\r\n", host,
             str_text(&date), id, host);
    str_add(text, "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
                  "Content-Type: text/plain; charset=utf-8\r\n"
                  "Content-Transfer-Encoding: 8bit\r\n\r\n");
    str_addf(text,
             "Mail that was to be relayed through account %s on %s was given up,\r\n"
             "the entry %s among it.\r\n\r\nThe reason: %s\r\n\r\n",
             s->account->name, host, claim->entry.id, reason);
    str_add(text, "Nothing is lost. `onehopctl queue --failed` lists what is kept, `onehopctl\r\n"
                  "release ID` sends it once more, `onehopctl delete ID` ends it. There is no\r\n"
                  "second notice within the hour.\r\n");
    str_clear(&date);
}

static bool write_notice(const struct settlement *s, const struct claim *claim, const char *reason,
                         struct error *err)
{
    struct draft draft = {0};
    struct entry entry = {.account = s->account->name, .from = (char *)"", .offset = 0};
    struct str text = {0};
    if (!entryid_derive(entry.id, claim->entry.id, ENTRYID_DERIVED_MAX))
        return false; /* a bounce, or a notice: nobody is told of those */
    memcpy(entry.bounce_of, claim->entry.id, sizeof entry.bounce_of);
    envelope_set_sender(&entry.envelope, "");
    (void)envelope_add(&entry.envelope, admin_of(s->account)); /* the first of its recipients */
    add_notice(&text, s, claim, entry.id, reason);
    bool ok = draft_begin(&draft, s->relay->spool, &entry, err);
    draft.entry.has_8bit = !escape_is_ascii(str_text(&text));
    ok = ok && output_write(&draft.output, text.data, text.len, err) &&
         draft_commit(&draft, NULL, err);
    draft_drop(&draft);
    envelope_clear(&entry.envelope);
    str_clear(&text);
    return ok;
}

void bouncing_notify_admin(const struct settlement *s, const struct claim *claim,
                           const char *reason)
{
    struct notice notice = {.now = s->relay->now(), .due = true};
    struct error ignored; /* the entry itself is kept and shown */
    if (!s->account || !*admin_of(s->account) || *claim->entry.bounce_of)
        return;
    (void)standing_change(s->relay->spool, s->account->name, take_notice, &notice, NULL, &ignored);
    if (notice.due)
        (void)write_notice(s, claim, reason, &ignored);
}
