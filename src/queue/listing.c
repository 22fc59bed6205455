#include "config.h"
#include "queue/listing.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "queue/account_state.h"
#include "queue/entry_lock.h"
#include "queue/scan.h"
#include "queue/spoolfile.h"

/* The names in journal/, so that an entry without a journal costs no failing open(). */
struct names {
    char (*id)[ENTRYID_SIZE];
    size_t n, size;
};

struct showing {
    const struct spool *spool;
    bool (*each)(void *context, const struct listing_item *item);
    void *context;
    const struct names *journals; /* NULL: not known */
    char *account;                /* whose state this is: most queues have one */
    struct account_state state;
};

static bool add_name(void *context, const char *name)
{
    struct names *names = context;
    if (!entryid_valid(name))
        return true;
    names->id = memory_grow(names->id, names->n, &names->size, sizeof *names->id);
    memcpy(names->id[names->n++], name, ENTRYID_SIZE);
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

static enum listing_state state_of(enum spool_directory directory, bool active)
{
    if (directory == SPOOL_FAILED)
        return LISTING_FAILED;
    if (active)
        return LISTING_ACTIVE;
    return directory == SPOOL_HOLD ? LISTING_HOLD : LISTING_DEFERRED;
}

static const struct account_state *account_of(struct showing *showing, const char *account)
{
    if (!showing->account || strcmp(showing->account, account) != 0) {
        free(showing->account);
        showing->account = memory_copy(account);
        account_state_read(&showing->state, showing->spool, account);
    }
    return &showing->state;
}

/* Why it waits and until when, beyond what its recipients met. */
static void explain(struct showing *showing, const struct entry_view *view,
                    struct listing_item *item, struct str *reason)
{
    const struct account_state *state = account_of(showing, view->entry.account);
    const struct breaker *breaker = &state->breaker;
    if (breaker->failures > 0) {
        str_addf(reason, "account %s: %s", view->entry.account, breaker->reason);
        item->next = item->next > breaker->until ? item->next : breaker->until;
    } else if (state->rate_until > item->next) {
        str_addf(reason, "account %s: its rate is reached", view->entry.account);
        item->next = state->rate_until;
    } else if (view->interrupted) {
        str_add(reason, ENTRY_LOCK_INTERRUPTED);
    } else if (view->journal.attempts == 0) {
        str_add(reason, "not tried yet");
    }
    item->waiting = str_text(reason);
}

static bool show(struct showing *showing, enum spool_directory directory,
                 const struct scan_item *found)
{
    const struct names *journals = showing->journals;
    struct entry_view view = {
        .has_journal = !journals || (journals->n && bsearch(found->id, journals->id, journals->n,
                                                            sizeof *journals->id, by_name))};
    struct error err = {0};
    bool more = true;
    enum spool_found result = entry_lock_view(showing->spool, directory, found->id, &view, &err);
    if (result != SPOOL_GONE) {
        struct spoolfile file = {0};
        struct str reason = {0};
        bool readable = result == SPOOL_FOUND;
        if (!readable)
            (void)spoolfile_facts(showing->spool, directory, found->id, &file); /* else size is 0 */
        struct listing_item item = {
            .state = state_of(directory, view.active),
            .id = found->id,
            .arrival = entryid_arrival(found->id) / 1000000,
            .next = found->next,
            .due = found->next,
            .size = readable ? view.entry.size : file.size,
            .entry = readable ? &view.entry : NULL,
            .journal = readable ? &view.journal : NULL,
            .failure = readable ? "" : err.text,
            .waiting = "",
        };
        if (readable && item.state == LISTING_DEFERRED)
            explain(showing, &view, &item, &reason);
        more = showing->each(showing->context, &item);
        str_clear(&reason);
    }
    entry_view_clear(&view);
    return more;
}

/* Both scans are in order of arrival: merging them keeps it. */
static void show_both(struct showing *showing, const struct scan *a, enum spool_directory place_a,
                      const struct scan *b, enum spool_directory place_b)
{
    size_t i = 0, k = 0;
    bool more = true;
    while (more && (i < a->n || k < b->n))
        if (k == b->n || (i < a->n && strcmp(a->item[i].id, b->item[k].id) <= 0))
            more = show(showing, place_a, &a->item[i++]);
        else
            more = show(showing, place_b, &b->item[k++]);
}

bool listing_each(const struct spool *spool, bool failed,
                  bool (*each)(void *context, const struct listing_item *item), void *context,
                  struct error *err)
{
    struct names journals = {0};
    struct showing showing = {spool, each, context, .journals = &journals};
    struct scan first = {0}, second = {0};
    /* The journals last: an entry that was seen waits for an attempt, which can have begun. */
    bool ok = scan_read(&first, spool, failed ? SPOOL_FAILED : SPOOL_QUEUE, err) &&
              (failed || scan_read(&second, spool, SPOOL_HOLD, err)) &&
              spool_each(spool, SPOOL_JOURNAL, add_name, &journals, err);
    if (ok && journals.n > 0)
        qsort(journals.id, journals.n, sizeof *journals.id, by_name);
    if (ok)
        show_both(&showing, &first, failed ? SPOOL_FAILED : SPOOL_QUEUE, &second, SPOOL_HOLD);
    scan_clear(&first);
    scan_clear(&second);
    free(journals.id);
    free(showing.account);
    return ok;
}

void listing_one(const struct spool *spool, const char *id,
                 bool (*each)(void *context, const struct listing_item *item), void *context)
{
    struct showing showing = {spool, each, context, .journals = NULL};
    struct scan_item item;
    struct spoolfile file;
    if (spoolfile_facts(spool, SPOOL_QUEUE, id, &file) != SPOOL_FOUND)
        return;
    item.next = file.mtime;
    memcpy(item.id, id, sizeof item.id);
    (void)show(&showing, SPOOL_QUEUE, &item);
    free(showing.account);
}
