#include "config.h"
#include "delivery/bouncing.h"

#include <string.h>

#include "message/address.h"
#include "message/complete.h"
#include "queue/bounce.h"
#include "queue/draft.h"
#include "queue/standing.h"

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
        bouncing_notify_admin(s, claim);
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
