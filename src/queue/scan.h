/* What is in the spool: ids and times of a place, in order of arrival, 24 octets each, no file
 * opened. A scan is a snapshot: each of its entries can be gone when its turn comes. */
#ifndef SCAN_H
#define SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "queue/entryid.h"
#include "queue/spool.h"

struct scan_item {
    char id[ENTRYID_SIZE];
    int64_t next; /* mtime: when the next attempt is planned, seconds since 1970 */
};

/* Zeroed memory is the empty scan. */
struct scan {
    struct scan_item *item; /* sorted by id, that is by arrival */
    size_t n;
    size_t size;
    size_t foreign;                   /* names and kinds of file that are not entries: left alone */
    char example[SPOOL_NAME_MAX + 1]; /* one of these */
};

/* Reads DIRECTORY. SCAN is cleared first. */
bool scan_read(struct scan *scan, const struct spool *spool, enum spool_directory directory,
               struct error *err);

/* Drops what is not due NOW (schedule_due()). */
void scan_keep_due(struct scan *scan, int64_t now);

/* Makes ID due NOW, if it is there and was not due before: what waits since before then keeps its
 * place in front of it. */
void scan_make_due(struct scan *scan, const char *id, int64_t now);

/* Sorts by the planned attempt, and only then by arrival: entries that were never tried come before
 * those that met a failure meanwhile. */
void scan_sort_by_time(struct scan *scan);

void scan_clear(struct scan *scan);

#endif
