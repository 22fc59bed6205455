#include "config.h"
#include "ctl/queuectl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/memory.h"
#include "queue/account_state.h"
#include "queue/entry_lock.h"
#include "queue/listing.h"
#include "delivery/account_access.h"
#include "delivery/fallback.h"
#include "delivery/spoolpath.h"
#include "submit/control_client.h"
#include "submit/help.h"
#include "submit/report.h"
#include "submit/serviceuser.h"
#include "ctl/mailq.h"

const char *const queuectl_names[QUEUECTL_ACTS] = {
    [QUEUECTL_SHOW] = "show",
    [QUEUECTL_HOLD] = "hold",
    [QUEUECTL_RELEASE] = "release",
    [QUEUECTL_DELETE] = "delete",
};

void queuectl_configure(struct site *site, const char *file)
{
    struct error err;
    if (!site_configure(site, file, &err))
        report_line(site->program, "%s", error_shown(&err));
}

enum queuectl_opened queuectl_open(const struct site *site, enum account_scope scope,
                                   struct spool *spool, struct error *err)
{
    struct str path = {0};
    bool ok = scope != SCOPE_SYSTEM || serviceuser_become(err);
    errno = 0;
    ok = ok && spoolpath_find(&path, site, scope) && spool_open(spool, str_text(&path), false, err);
    int why = errno;
    bool denied = scope == SCOPE_SYSTEM && (why == EACCES || why == EPERM);
    bool broken = !ok && path.len && why != ENOENT && why != EACCES && !denied;
    str_clear(&path);
    return ok       ? QUEUECTL_OPENED
           : broken ? QUEUECTL_BROKEN
           : denied ? QUEUECTL_DENIED
                    : QUEUECTL_NOT_THERE;
}

/* The same for WANT; a failure is reported and sets *CODE. */
static enum queuectl_opened open_spool(const struct queuectl *want, enum account_scope scope,
                                       struct spool *spool, int *code)
{
    struct error err = {0};
    if (want->for_client && scope != SCOPE_SYSTEM)
        return QUEUECTL_NOT_THERE;
    enum queuectl_opened opened = queuectl_open(want->site, scope, spool, &err);
    if (opened == QUEUECTL_BROKEN) {
        report_line_to(want->err, want->site->program, "%s", error_shown(&err));
        *code = err.code;
    }
    return opened;
}

static int end_output(const struct queuectl *want, int code)
{
    if ((fflush(want->out) == 0 && !ferror(want->out)) || help_reader_left())
        return code;
    report_line_to(want->err, want->site->program, "cannot write to standard output");
    return code == EX_OK ? EX_IOERR : code;
}

struct listing {
    const struct queuectl *want;
    const struct spool *spool;
    struct mailq mailq;
    bool json;
    char *account; /* whose fallback this is: most queues have one account */
    const struct account *fallback;
    int64_t fallback_from; /* when that may be used, seconds since 1970; 0: now */
};

static bool may_see(const struct queuectl *want, const struct entry *entry)
{
    return !want->only_uid || (entry && entry->has_uid && entry->uid == want->uid);
}

/* The account that carries mail of the account NAME while that fails, or NULL. */
static const struct account *fallback_of(const struct queuectl *want, const struct spool *spool,
                                         const char *name)
{
    const struct account *own = configuration_account(&want->site->config, name);
    struct account_state state;
    if (!own || !*own->fallback)
        return NULL;
    account_state_read(&state, spool, name);
    return fallback_in_use(want->site, own, &state.breaker, DELIVERY_DUE, clock_wall());
}

/* When OTHER, a fallback, may be used: it can fail as well. 0: now. */
static int64_t usable_from(const struct queuectl *want, const struct spool *spool,
                           const struct account *other)
{
    struct account_state state;
    account_state_read(&state, spool, other->name);
    bool works =
        account_access_may_try(want->site, other, &state.breaker, DELIVERY_DUE, clock_wall());
    return works ? state.rate_until : state.breaker.until;
}

static bool may_carry(const struct account *fallback, const struct entry *entry,
                      const struct journal *journal)
{
    return fallback && !journal_is_tied(journal) && fallback_may_carry(fallback, entry);
}

/* Finds whether a fallback carries ITEM, which then waits for its own time and that account's, if
 * its own account is not tried before. */
static void find_fallback(struct listing *l, struct listing_item *item)
{
    if (item->state != LISTING_DEFERRED || !item->entry)
        return;
    if (!l->account || strcmp(l->account, item->entry->account) != 0) {
        memory_replace(&l->account, item->entry->account);
        l->fallback = fallback_of(l->want, l->spool, l->account);
        l->fallback_from = l->fallback ? usable_from(l->want, l->spool, l->fallback) : 0;
    }
    int64_t next = item->due > l->fallback_from ? item->due : l->fallback_from;
    if (!may_carry(l->fallback, item->entry, item->journal) || next > item->next)
        return;
    item->through = l->fallback->name;
    item->next = next;
}

static bool list_one(void *context, const struct listing_item *found)
{
    struct listing *l = context;
    struct listing_item item = *found;
    if (!may_see(l->want, item.entry)) {
        l->mailq.others++;
        return true;
    }
    find_fallback(l, &item);
    if (l->json)
        mailq_print_json(l->mailq.out, &item);
    else
        mailq_print(&l->mailq, &item);
    return !ferror(l->mailq.out);
}

/* The service goes on where we are, and ends the listing. */
static int list_by_service(const struct listing *listing, bool failed)
{
    const struct queuectl *want = listing->want;
    struct str line = {0};
    str_addf(&line, "list requests=%lu octets=%" PRIu64 "%s%s", listing->mailq.requests,
             listing->mailq.octets, listing->json ? " json=1" : "", failed ? " failed=1" : "");
    int code = control_client_run(want->site, str_text(&line), want->out, want->err);
    str_clear(&line);
    return code;
}

int queuectl_list(const struct queuectl *want, bool json, bool failed)
{
    static const enum account_scope scopes[] = {SCOPE_USER, SCOPE_SYSTEM};
    struct spool spool = {0};
    struct listing listing = {
        .want = want, .json = json, .mailq = {want->out, want->requests, want->octets, 0}};
    struct error err;
    int code = EX_OK;
    bool ended = false;
    for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++) {
        enum queuectl_opened opened = open_spool(want, scopes[i], &spool, &code);
        if (opened == QUEUECTL_DENIED && !want->for_client) {
            code = list_by_service(&listing, failed);
            ended = true;
        }
        if (opened != QUEUECTL_OPENED)
            continue;
        listing.spool = &spool;
        if (!listing_each(&spool, failed, list_one, &listing, &err)) {
            report_error_to(want->err, want->site->program, &err);
            code = err.code;
        }
        spool_close(&spool);
        memory_replace(&listing.account, ""); /* each queue has states of its own */
        listing.fallback = NULL;
    }
    free(listing.account);
    if (!json && !ended)
        mailq_end(&listing.mailq);
    return end_output(want, code);
}

static void print_escaped(FILE *out, struct str *line)
{
    (void)escape_text(line->data, line->len);
    (void)fprintf(out, "%s\n", line->data);
    str_clear(line);
}

static void show_progress(FILE *out, const struct entry_lock *lock)
{
    static const char *const statuses[] = {
        [JOURNAL_WAITING] = "waiting", [JOURNAL_SENT] = "sent", [JOURNAL_FAILED] = "failed"};
    const struct envelope *env = &lock->entry.envelope;
    for (size_t i = 0; i < env->n && i < lock->journal.n; i++) {
        const struct progress *p = &lock->journal.rcpt[i];
        struct str line = {0};
        str_addf(&line, "recipient: %s (%s)%s", env->rcpt[i].address, statuses[p->status],
                 p->why ? " " : "");
        if (p->why)
            error_explain(p->why, &line);
        print_escaped(out, &line);
    }
}

/* The account, and the one that carries its mail while it fails. */
static void show_account(const struct queuectl *want, const struct entry_lock *lock)
{
    const char *name = lock->entry.account;
    const struct account *other = fallback_of(want, lock->spool, name);
    (void)fprintf(want->out, "account: %s\n", name);
    if (may_carry(other, &lock->entry, &lock->journal))
        (void)fprintf(want->out, "fallback: %s\n", other->name);
}

static void print_text(FILE *out, const char *name, const char *text)
{
    struct str line = {0};
    if (!text || !*text)
        return;
    str_addf(&line, "%s: %s", name, text);
    print_escaped(out, &line);
}

static bool show(const struct queuectl *want, const struct entry_lock *lock, struct error *err)
{
    FILE *out = want->out;
    struct content_cursor from = {.content = &lock->content};
    char buffer[4096];
    size_t got;
    struct str line = {0};
    (void)fprintf(out, "id: %s\n", lock->entry.id);
    show_account(want, lock);
    str_addf(&line, "sender: <%s>", lock->entry.envelope.sender);
    print_escaped(out, &line);
    (void)fprintf(out, "attempts: %u\n", lock->journal.attempts);
    print_text(out, "note", lock->journal.note);
    print_text(out, "declined", lock->journal.declined);
    show_progress(out, lock);
    (void)fprintf(out, "\n");
    while (from.at < lock->content.size) {
        if (!content_read(&from, buffer, sizeof buffer, &got, err))
            return false;
        if (fwrite(buffer, 1, got, out) != got)
            return help_reader_left() ||
                   error_system(err, EX_IOERR, "cannot write to standard output");
    }
    return true;
}

static bool act_on(const struct queuectl *want, struct entry_lock *lock, enum queuectl_act act,
                   struct error *err)
{
    bool ok = true;
    switch (act) {
    case QUEUECTL_SHOW:
        ok = show(want, lock, err);
        break;
    case QUEUECTL_HOLD:
        ok = lock->directory == SPOOL_HOLD || entry_lock_move(lock, SPOOL_HOLD, NULL, err);
        break;
    case QUEUECTL_RELEASE:
        if (lock->directory == SPOOL_FAILED)
            journal_again(&lock->journal);
        if (lock->directory == SPOOL_QUEUE)
            ok = entry_lock_postpone(lock, 0, err); /* it waits for its time: that is now */
        else
            ok = entry_lock_move(lock, SPOOL_QUEUE, NULL, err);
        break;
    case QUEUECTL_DELETE:
        ok = entry_lock_remove(lock, err);
        break;
    }
    entry_lock_release(lock);
    return ok;
}

/* True if the entry, which somebody else holds, is the caller's. */
static bool is_own(const struct queuectl *want, struct spool *spool, enum spool_directory directory,
                   const char *id)
{
    struct entry head = {0};
    struct error ignored;
    bool own = entry_lock_peek(spool, directory, id, &head, &ignored) == SPOOL_FOUND &&
               may_see(want, &head);
    entry_clear(&head);
    return own;
}

static int act_by_service(const struct queuectl *want, enum queuectl_act act, const char *id)
{
    struct str line = {0};
    str_addf(&line, "%s %s", queuectl_names[act], id);
    int code = control_client_run(want->site, str_text(&line), want->out, want->err);
    str_clear(&line);
    return code;
}

/* What is damaged belongs to nobody, and is moved to failed/ by the first process that locks it. */
static bool delete_damaged(const struct queuectl *want, struct spool *spool, const char *id,
                           struct error *err)
{
    return !want->only_uid && entry_lock_delete(spool, SPOOL_FAILED, id, err) == SPOOL_FOUND;
}

/* Looks in every directory of the open spool. Returns whether the entry was there, with *CODE. */
static bool act_in_spool(const struct queuectl *want, struct spool *spool, enum queuectl_act act,
                         const char *id, int *code)
{
    static const enum spool_directory directories[] = {SPOOL_QUEUE, SPOOL_HOLD, SPOOL_FAILED};
    struct error err;
    for (size_t i = 0; i < sizeof directories / sizeof *directories; i++) {
        struct entry_lock lock = {0};
        enum spool_found result = entry_lock_take(&lock, spool, directories[i], id, &err);
        if (result == SPOOL_GONE)
            continue;
        if (result == SPOOL_FOUND && !may_see(want, &lock.entry)) {
            entry_lock_release(&lock);
            return false; /* as if it were not there */
        }
        if (result != SPOOL_FOUND && want->only_uid && !is_own(want, spool, directories[i], id))
            return false;
        if (result == SPOOL_BUSY) {
            report_line_to(want->err, want->site->program,
                           "%s is being delivered right now; try again", id);
            *code = EX_TEMPFAIL;
        } else if (act == QUEUECTL_DELETE && result == SPOOL_DAMAGED &&
                   delete_damaged(want, spool, id, &err)) {
            return true;
        } else if (result != SPOOL_FOUND) {
            report_error_to(want->err, want->site->program, &err);
            *code = EX_DATAERR;
        } else if (!act_on(want, &lock, act, &err) || !spool_sync(spool, &err)) {
            report_error_to(want->err, want->site->program, &err);
            *code = err.code;
        }
        return true;
    }
    return false;
}

int queuectl_act(const struct queuectl *want, enum queuectl_act act, const char *id)
{
    static const enum account_scope scopes[] = {SCOPE_USER, SCOPE_SYSTEM};
    struct spool spool = {0};
    int code = EX_OK;
    bool found = false;
    if (!entryid_valid(id)) {
        report_line_to(want->err, want->site->program, "'%s' is not a queue id; mailq shows them",
                       id);
        return EX_USAGE;
    }
    for (size_t i = 0; i < sizeof scopes / sizeof *scopes && !found; i++) {
        enum queuectl_opened opened = open_spool(want, scopes[i], &spool, &code);
        if (opened == QUEUECTL_DENIED && !want->for_client) {
            code = act_by_service(want, act, id);
            found = true;
        }
        if (opened != QUEUECTL_OPENED)
            continue;
        found = act_in_spool(want, &spool, act, id, &code);
        spool_close(&spool);
    }
    if (!found && code == EX_OK) {
        report_line_to(want->err, want->site->program, "there is no entry %s", id);
        code = EX_NOINPUT;
    }
    return end_output(want, code);
}
