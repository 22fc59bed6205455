/* What became of an account's messages since counting began: numbers that only grow, for
 * monitoring. Each connection slot's file (queue/slots.h) has a part, which only the process that
 * holds the slot changes: no process waits for another, and none counts over another's count. The
 * parts together are the account's. They are never synced: a power cut can cost the last ones, and
 * a process that is killed the message in its hand; nothing is counted twice. */
#ifndef COUNTERS_H
#define COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "queue/spool.h"

enum counters_result {
    COUNTERS_SENT,     /* to all its recipients, and gone */
    COUNTERS_FAILED,   /* to some recipient permanently, or expired, and gone */
    COUNTERS_DEFERRED, /* an attempt ended, and the message waits for the next one */
};

enum { COUNTERS_RESULTS = COUNTERS_DEFERRED + 1, COUNTERS_BOUNDS = 12 };

/* The upper bounds of the histogram, in milliseconds, ascending. */
extern const uint32_t counters_bounds[COUNTERS_BOUNDS];

/* Zeroed memory has counted nothing. */
struct counters {
    uint64_t messages[COUNTERS_RESULTS];     /* by enum counters_result */
    uint64_t octets;                         /* of content that was sent */
    uint64_t milliseconds;                   /* from acceptance to the provider's, their sum */
    uint64_t delivered[COUNTERS_BOUNDS + 1]; /* messages by that time: up to each bound and above
                                                the one before; the last ones above all */
};

/* One message of OCTETS more. TOOK is the time since it was accepted, and counts where it was sent;
 * below 0: it is not known. */
void counters_note(struct counters *counters, enum counters_result result, uint64_t octets,
                   int64_t took);

/* Adds MORE to SUM. */
void counters_add(struct counters *sum, const struct counters *more);

/* Pure: the line of a file, with a checksum. False, and COUNTERS zeroed, where DATA is none. */
void counters_encode(const struct counters *counters, struct str *out);
bool counters_decode(struct counters *counters, const char *data, size_t len);

/* One message more in the file SLOT, which slots_take() gave, or, where that is -1, in one of
 * ACCOUNT that is shared. *OWN is what this process has counted there before; zeroed at first, it
 * is read (*known). What cannot be counted is lost. */
struct counters_part {
    struct counters counters;
    bool known;
};
void counters_count(struct counters_part *own, int slot, const struct spool *spool,
                    const char *account, const struct counters *more);

/* Adds all parts of ACCOUNT to SUM. */
void counters_sum(struct counters *sum, const struct spool *spool, const char *account);

#endif
