#include "config.h"
#include "queue/scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "queue/schedule.h"
#include "queue/spoolfile.h"

struct collecting {
    struct scan *scan;
    const struct spool *spool;
    enum spool_directory directory;
};

static void note_foreign(struct scan *scan, const char *name)
{
    if (scan->foreign++ == 0)
        (void)snprintf(scan->example, sizeof scan->example, "%s", name);
}

static bool collect(void *context, const char *name)
{
    struct collecting *now = context;
    struct scan *scan = now->scan;
    struct spoolfile file;
    if (!entryid_valid(name)) {
        note_foreign(scan, name);
        return true;
    }
    enum spool_found found = spoolfile_facts(now->spool, now->directory, name, &file);
    if (found == SPOOL_FOREIGN)
        note_foreign(scan, name);
    if (found != SPOOL_FOUND)
        return true;
    scan->item = memory_grow(scan->item, scan->n, &scan->size, sizeof *scan->item);
    struct scan_item *item = &scan->item[scan->n++];
    memcpy(item->id, name, ENTRYID_SIZE);
    item->next = file.mtime;
    return true;
}

static int by_arrival(const void *a, const void *b)
{
    const struct scan_item *first = a, *second = b;
    return strcmp(first->id, second->id);
}

bool scan_read(struct scan *scan, const struct spool *spool, enum spool_directory directory,
               struct error *err)
{
    scan_clear(scan);
    struct collecting now = {scan, spool, directory};
    if (!spool_each(spool, directory, collect, &now, err)) {
        scan_clear(scan);
        return false;
    }
    if (scan->n > 0)
        qsort(scan->item, scan->n, sizeof *scan->item, by_arrival);
    return true;
}

void scan_keep_due(struct scan *scan, int64_t now)
{
    size_t kept = 0;
    for (size_t i = 0; i < scan->n; i++)
        if (schedule_due(scan->item[i].next, now))
            scan->item[kept++] = scan->item[i];
    scan->n = kept;
}

void scan_make_due(struct scan *scan, const char *id, int64_t now)
{
    for (size_t i = 0; i < scan->n; i++)
        if (strcmp(scan->item[i].id, id) == 0 && scan->item[i].next > now)
            scan->item[i].next = now;
}

static int by_time(const void *a, const void *b)
{
    const struct scan_item *first = a, *second = b;
    if (first->next != second->next)
        return first->next < second->next ? -1 : 1;
    return by_arrival(a, b);
}

void scan_sort_by_time(struct scan *scan)
{
    if (scan->n > 0)
        qsort(scan->item, scan->n, sizeof *scan->item, by_time);
}

void scan_clear(struct scan *scan)
{
    free(scan->item);
    *scan = (struct scan){0};
}
