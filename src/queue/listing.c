#include "config.h"
#include "queue/listing.h"

#include <string.h>

#include "queue/entry_lock.h"
#include "queue/scan.h"
#include "queue/spoolfile.h"

struct showing {
    const struct spool *spool;
    bool (*each)(void *context, const struct listing_item *item);
    void *context;
};

static enum listing_state state_of(enum spool_directory directory, bool active)
{
    if (directory == SPOOL_FAILED)
        return LISTING_FAILED;
    if (active)
        return LISTING_ACTIVE;
    return directory == SPOOL_HOLD ? LISTING_HOLD : LISTING_DEFERRED;
}

static bool show(const struct showing *showing, enum spool_directory directory,
                 const struct scan_item *found)
{
    struct entry entry = {0};
    struct journal journal = {0};
    struct error err = {0};
    bool active = false, more = true;
    enum entry_lock_result result =
        entry_lock_peek(showing->spool, directory, found->id, &entry, &journal, &active, &err);
    if (result != ENTRY_LOCK_GONE) {
        struct spoolfile file = {0};
        bool readable = result == ENTRY_LOCK_TAKEN;
        if (!readable)
            (void)spoolfile_facts(showing->spool, directory, found->id, &file); /* else size is 0 */
        struct listing_item item = {
            .state = state_of(directory, active),
            .id = found->id,
            .arrival = entryid_arrival(found->id) / 1000000,
            .next = found->next,
            .size = readable ? entry.size : file.size,
            .entry = readable ? &entry : NULL,
            .journal = readable ? &journal : NULL,
            .trouble = readable ? "" : err.text,
        };
        more = showing->each(showing->context, &item);
    }
    journal_clear(&journal);
    entry_clear(&entry);
    return more;
}

/* Both scans are in order of arrival: merging them keeps it. */
static void show_both(const struct showing *showing, const struct scan *a,
                      enum spool_directory place_a, const struct scan *b,
                      enum spool_directory place_b)
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
    struct showing showing = {spool, each, context};
    struct scan first = {0}, second = {0};
    bool ok = scan_read(&first, spool, failed ? SPOOL_FAILED : SPOOL_QUEUE, err) &&
              (failed || scan_read(&second, spool, SPOOL_HOLD, err));
    if (ok)
        show_both(&showing, &first, failed ? SPOOL_FAILED : SPOOL_QUEUE, &second, SPOOL_HOLD);
    scan_clear(&first);
    scan_clear(&second);
    return ok;
}
