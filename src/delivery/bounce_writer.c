#include "config.h"
#include "delivery/bounce_writer.h"

#include <pwd.h>
#include <string.h>

#include "base/escape.h"
#include "message/address.h"
#include "message/aliases.h"
#include "message/complete.h"
#include "message/header.h"
#include "queue/account_state.h"
#include "queue/bounce.h"
#include "queue/entry_writer.h"
#include "delivery/notice.h"

/* True if the account may make another bounce in this hour. *FIRST: this is the first one it may
 * not make. Without the file there is no limit, but a bounce. */
static bool may_bounce(const struct settlement *s, bool *first)
{
    struct account_file file;
    *first = false;
    if (!account_file_begin(&file, s->delivery->spool, s->account->name))
        return true;
    struct account_state *state = &file.state;
    bool allowed =
        account_state_count_bounce(state, ACCOUNT_STATE_BOUNCES_PER_HOUR, s->delivery->now());
    *first = !allowed && state->bounces == ACCOUNT_STATE_BOUNCES_PER_HOUR;
    state->bounces += *first; /* marks that it was reported */
    account_file_end(&file, allowed || *first);
    return allowed;
}

/* The same of a warning, which is left out without a report: the mark is for the first bounce. */
static bool may_warn(const struct settlement *s)
{
    struct account_file file;
    if (!account_file_begin(&file, s->delivery->spool, s->account->name))
        return true;
    bool allowed = account_state_count_bounce(&file.state, BOUNCE_WRITER_WARNINGS_PER_HOUR,
                                              s->delivery->now());
    account_file_end(&file, allowed);
    return allowed;
}

static bool is_local(const struct settlement *s, const char *address)
{
    const char *domain = address_domain(address);
    return !*domain || strlist_has(&s->delivery->site->host.names, domain);
}

/* Appends the local name that the mail comes from, if its sender was replaced by the account's. */
static void add_local_sender(const struct settlement *s, const struct entry *entry, struct str *out)
{
    const char *sender = entry->envelope.sender, *from = entry->from ? entry->from : "";
    /* its account, though its fallback may have been used */
    const struct account *own = configuration_account(&s->delivery->site->config, entry->account);
    if (is_local(s, sender)) {
        str_add_n(out, sender, address_local_length(sender));
    } else if (address_equal(sender, account_address(own ? own : s->account), true) &&
               is_local(s, from)) {
        const struct passwd *user = !*from && entry->has_uid ? getpwuid(entry->uid) : NULL;
        str_add(out, user ? user->pw_name : "");
        str_add_n(out, from, address_local_length(from));
    }
}

/* Appends the one address that is the alias of NAME, if there is such. */
static void add_alias(const struct settlement *s, const char *name, struct str *out)
{
    struct aliases *aliases = NULL;
    struct strlist addresses = {0}, warnings = {0};
    struct error ignored; /* then admin gets it */
    struct str path = {0};
    if (account_has(s->account, "aliases"))
        str_add(&path, s->account->aliases);
    else
        str_addf(&path, "%s/aliases", s->delivery->site->paths->sysconfdir);
    if (path.len > 0 && aliases_read(&aliases, path.data, true, &warnings, &ignored) &&
        aliases_expand(aliases, name, &addresses, &warnings) && addresses.n == 1 &&
        !is_local(s, addresses.item[0]))
        str_add(out, addresses.item[0]);
    aliases_free(aliases);
    str_clear(&path);
    strlist_clear(&addresses);
    strlist_clear(&warnings);
}

/* A sender on this machine has no mailbox. */
static void add_bounce_recipient(const struct settlement *s, const struct entry_lock *lock,
                                 struct str *out)
{
    struct str local = {0};
    add_local_sender(s, &lock->entry, &local);
    if (local.len > 0)
        add_alias(s, str_text(&local), out);
    if (out->len == 0 && local.len > 0)
        str_add(out, *s->delivery->bounce_to ? s->delivery->bounce_to : account_admin(s->account));
    if (out->len == 0)
        str_add(out, lock->entry.envelope.sender);
    str_clear(&local);
}

/* True if the sender wants a report about a recipient that failed and is in no bounce yet. */
static bool is_wanted(const struct entry_lock *lock)
{
    const struct envelope *env = &lock->entry.envelope;
    for (size_t i = 0; i < env->n && i < lock->journal.n; i++)
        if (bounce_reports(&lock->journal.rcpt[i], &env->rcpt[i]))
            return true;
    return false;
}

/* Writes BOUNCE, of which `to`, `until` and `full` are set, and commits it. */
static bool write_bounce(const struct settlement *s, const struct entry_lock *lock,
                         struct bounce *bounce, struct error *err)
{
    struct entry entry = {0};
    struct entry_writer writer = {0};
    struct str date = {0}, arrival = {0};
    complete_date(&date, (time_t)s->delivery->now());
    complete_date(&arrival, (time_t)(entryid_arrival(lock->entry.id) / 1000000));
    bounce->original = &lock->entry;
    bounce->journal = &lock->journal;
    bounce->content = &lock->content;
    bounce->from = account_address(s->account);
    bounce->host = this_host_best_name(&s->delivery->site->host);
    bounce->provider = s->provider;
    bounce->date = str_text(&date);
    bounce->arrival = str_text(&arrival);
    bounce->id = entry.id;
    bool ok = bounce_entry(bounce, &entry, err) &&
              entry_writer_begin(&writer, s->delivery->spool, &entry, err) &&
              bounce_write(bounce, &writer.output, &writer.entry.has_8bit,
                           &writer.entry.has_8bit_header, err) &&
              entry_writer_commit(&writer, NULL, err);
    entry_writer_drop(&writer);
    entry_clear(&entry);
    str_clear(&date);
    str_clear(&arrival);
    return ok;
}

static enum bounce_writer_result report_to(const struct settlement *s, struct entry_lock *lock,
                                           const char *to, struct error *err)
{
    bool first;
    if (!may_bounce(s, &first)) {
        if (first)
            notice_expired(s, lock, "too many bounces in one hour");
        return BOUNCE_WRITER_NOT_NOW;
    }
    struct bounce bounce = {
        .to = to,
        /* RFC 8689, 5: a report about mail with REQUIRETLS may have to go without */
        .full = lock->entry.envelope.dsn_return == DSN_RETURN_FULL && !s->account->requiretls,
    };
    /* A bounce that cannot be noted would be made and sent again and again. */
    bool ok = journal_file_reserve(&lock->file, s->delivery->spool, lock->entry.id,
                                   JOURNAL_SENT_MAX, err) &&
              write_bounce(s, lock, &bounce, err);
    if (ok) {
        journal_bounced(&lock->journal, lock->journal.bounces + 1);
        ok = entry_lock_save(lock, err);
    }
    return ok ? BOUNCE_WRITER_REPORTED : BOUNCE_WRITER_FAILED;
}

enum bounce_writer_result bounce_writer_report(const struct settlement *s, struct entry_lock *lock,
                                               struct error *err)
{
    const struct entry *entry = &lock->entry;
    if (!is_wanted(lock))
        return BOUNCE_WRITER_NOT_WANTED;
    if (*entry->bounce_of || !*entry->envelope.sender || !s->account)
        return BOUNCE_WRITER_IMPOSSIBLE;
    struct str to = {0};
    add_bounce_recipient(s, lock, &to);
    enum bounce_writer_result result = BOUNCE_WRITER_IMPOSSIBLE;
    if (to.len > 0 && *account_address(s->account))
        result = report_to(s, lock, to.data, err);
    str_clear(&to);
    return result;
}

int64_t bounce_writer_warns_in(const struct settlement *s, const struct entry_lock *lock)
{
    const struct delivery_context *delivery = s->delivery;
    const struct entry *entry = &lock->entry;
    if (delivery->delay_warning <= 0 || lock->journal.warned || *entry->bounce_of ||
        !*entry->envelope.sender || !s->account || !*account_address(s->account))
        return -1;
    int64_t age = delivery_age(delivery, entry->id);
    return age < delivery->delay_warning ? delivery->delay_warning - age : 0;
}

/* True if the first word of the field NAME is one of N WORDS. */
static bool has_word(const struct header *header, const char *name, const char *const *words,
                     size_t n)
{
    const char *value = header_value(header, name);
    value = value ? value + strspn(value, " \t\n") : "";
    size_t len = strcspn(value, " \t\n;(");
    for (size_t i = 0; i < n; i++)
        if (strlen(words[i]) == len && strncasecmp(value, words[i], len) == 0)
            return true;
    return false;
}

/* Nobody reads a report about a mailing, or about what a program sent (RFC 3834, 5). */
static bool is_automatic(const struct entry_lock *lock)
{
    static const char *const to_many[] = {"bulk", "junk", "list"}, *const by_person[] = {"no", ""};
    struct header header = {0};
    uint64_t body;
    struct error ignored; /* what cannot be read now is looked at after the next attempt */
    bool automatic = !header_read_content(&header, &lock->content, &body, &ignored) ||
                     has_word(&header, "Precedence", to_many, 3) ||
                     !has_word(&header, "Auto-Submitted", by_person, 2);
    header_clear(&header);
    return automatic;
}

static bool is_delay_due(const struct settlement *s, const struct entry_lock *lock)
{
    const struct envelope *env = &lock->entry.envelope;
    bool waits = false;
    if (s->account_fails || bounce_writer_warns_in(s, lock) != 0)
        return false;
    for (size_t i = 0; i < env->n && i < lock->journal.n && !waits; i++)
        waits = bounce_reports_delay(&lock->journal.rcpt[i], &env->rcpt[i]);
    return waits && !is_automatic(lock);
}

/* Until when the entry is tried; nothing for ever. */
static void add_last_moment(const struct settlement *s, const struct entry_lock *lock,
                            struct str *out)
{
    const struct delivery_context *delivery = s->delivery;
    int64_t left = delivery->lifetime - delivery_age(delivery, lock->entry.id);
    if (delivery->lifetime > 0)
        complete_date(out, (time_t)(delivery->now() + left));
}

bool bounce_writer_warn(const struct settlement *s, struct entry_lock *lock, struct error *err)
{
    struct str to = {0}, until = {0};
    struct error ignored; /* without room for it there is no warning */
    if (!is_delay_due(s, lock) || !may_warn(s))
        return true;
    journal_warned(&lock->journal);
    bool ok = entry_lock_save(lock, err);
    add_bounce_recipient(s, lock, &to);
    add_last_moment(s, lock, &until);
    struct bounce bounce = {.to = str_text(&to), .until = str_text(&until)};
    if (ok && to.len > 0)
        (void)write_bounce(s, lock, &bounce, &ignored);
    str_clear(&to);
    str_clear(&until);
    return ok;
}
