/* What mailq and `onehopctl queue` show: every entry in order of arrival, one at a time. */
#ifndef LISTING_H
#define LISTING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "queue/entry.h"
#include "queue/journal.h"
#include "queue/spool.h"

enum listing_state {
    LISTING_ACTIVE,   /* being delivered or written to right now */
    LISTING_DEFERRED, /* waits for its next attempt */
    LISTING_HOLD,
    LISTING_FAILED, /* in failed/ */
};

/* Borrowed for the time of the call. Recipients are entry->envelope.rcpt; those still to be shown
 * are the ones whose journal->rcpt[i].status is JOURNAL_WAITING (in failed/: not JOURNAL_SENT). */
struct listing_item {
    enum listing_state state;
    const char *id;
    int64_t arrival;           /* seconds since 1970 */
    int64_t next;              /* planned attempt, or when the account may be used again */
    int64_t due;               /* planned attempt of the entry itself */
    const char *through;       /* the fallback that carries it then; NULL: listings know of none */
    uint64_t size;             /* octets of content, or of the file if that is damaged */
    const struct entry *entry; /* NULL if it can't be read: `failure` says why */
    const struct journal *journal;
    const char *failure; /* "" if it can be read */
    /* Why it waits, for recipients without a reason of their own: the account's failure, or that it
     * was not tried yet; "" if it does not wait. */
    const char *waiting;
};

/* Calls EACH for all of queue/ and hold/, or with FAILED for all of failed/, until it returns
 * false. */
bool listing_each(const struct spool *spool, bool failed,
                  bool (*each)(void *context, const struct listing_item *item), void *context,
                  struct error *err);

/* Calls EACH for the entry ID of queue/, if it is there. */
void listing_one(const struct spool *spool, const char *id,
                 bool (*each)(void *context, const struct listing_item *item), void *context);

#endif
