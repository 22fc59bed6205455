/* An entry in hand: locked, checked from the first octet to the last, with its journal. Who has the
 * claim is the only one who delivers, holds or removes the entry; the claim ends with the process
 * if not before. A child made by fork() shares it: it ends when both have ended it. */
#ifndef ENTRY_LOCK_H
#define ENTRY_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "message/content.h"
#include "queue/entry.h"
#include "queue/journal.h"
#include "queue/spool.h"

enum {
    CLAIM_JOURNAL_SLACK = 1024 * 1024 /* octets a journal may have above twice what it needs */
};

/* Zeroed memory holds nothing. */
struct claim {
    struct spool *spool; /* NULL when nothing is held */
    enum spool_place place;
    int fd;
    struct entry entry;
    struct journal journal;
    uint64_t journal_size; /* octets of its file */
    bool other_names;      /* the file stands elsewhere in the spool, too */
    struct content
        content; /* borrowed from fd, or in memory if small: valid as long as the claim */
};

enum claim_result {
    CLAIM_TAKEN,
    CLAIM_BUSY,    /* somebody else is working on it */
    CLAIM_GONE,    /* delivered, removed or moved in the meantime */
    CLAIM_LEFT,    /* not a file of ours, or of a later version: stays where it is; ERR says */
    CLAIM_DAMAGED, /* moved to failed/; ERR says */
    CLAIM_TROUBLE, /* cannot be read now; ERR says */
};

/* Takes the entry ID at PLACE (queue/, hold/ or failed/; in failed/ damage is only reported). CLAIM
 * must be zeroed, and is so again unless the result is CLAIM_TAKEN. */
enum claim_result claim_take(struct claim *claim, struct spool *spool, enum spool_place place,
                             const char *id, struct error *err);

/* Reads an entry's head and journal without lock and without reading the content: for listings and
 * for choosing. ENTRY and JOURNAL (may be NULL) must be zeroed; clear them in any case. *ACTIVE, if
 * not NULL, tells whether somebody is working on it (to find out takes a shared lock for a moment;
 * whoever wants the entry just then finds it busy and comes back). The results mean what they mean
 * above, but nothing is moved and CLAIM_TAKEN takes nothing. */
enum claim_result claim_peek(const struct spool *spool, enum spool_place place, const char *id,
                             struct entry *entry, struct journal *journal, bool *active,
                             struct error *err);

/* Writes what the journal has pending; to disk if some recipient was sent or failed. Where this, or
 * claim_remove(), fails, end the run: to go on delivering what can't be noted would repeat more
 * than the transaction in flight. */
bool claim_save(struct claim *claim, struct error *err);

/* The next attempt is at NEXT (seconds since 1970). The claim goes on. */
bool claim_postpone(struct claim *claim, int64_t next, struct error *err);

/* Ends the claim and the entry. What the journal has pending is not written. The removal is on disk
 * after the next spool_sync(). If it fails the claim still ends. */
bool claim_remove(struct claim *claim, struct error *err);

/* Removes the entry ID from PLACE, readable or not, if nobody is working on it: CLAIM_TAKEN (and it
 * is gone, on disk), CLAIM_BUSY, CLAIM_GONE, CLAIM_LEFT, CLAIM_TROUBLE. */
enum claim_result claim_delete(struct spool *spool, enum spool_place place, const char *id,
                               struct error *err);

/* Ends the claim and moves the entry to PLACE: hold/, failed/ or back to queue/ (where it is due at
 * once). NOTE, if not NULL, is written into the journal. On disk when this returns. */
bool claim_move(struct claim *claim, enum spool_place place, const char *note, struct error *err);

/* Sets `content` from the entry: for draft_commit(), which makes claims, too. */
void claim_show_content(struct claim *claim);

/* Ends the claim; the entry stays. May be called twice. */
void claim_release(struct claim *claim);

#endif
