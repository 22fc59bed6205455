#include "config.h"
#include "queue/recovery.h"

#include "queue/spoolfile.h"

struct clearing {
    struct spool *spool;
    size_t removed;
};

static void count_removal(struct clearing *now, enum spool_directory directory, const char *name)
{
    struct error ignored; /* it will be tried again by the next run */
    now->removed += spoolfile_remove(now->spool, directory, name, &ignored);
}

static bool clear_temporary(void *context, const char *name)
{
    struct clearing *now = context;
    struct spoolfile file;
    struct error ignored; /* what can't be opened is left, as foreign files are */
    if (!entryid_valid(name) ||
        spoolfile_take(now->spool, SPOOL_TMP, name, &file, &ignored) != SPOOL_FOUND)
        return true;
    count_removal(now, SPOOL_TMP, name);
    spoolfile_close(file.fd);
    return true;
}

/* An entry that is being moved may have left one place and not be seen in the other, if that was
 * looked at before: so look again. No process moves an entry twice in that time. */
static bool clear_journal(void *context, const char *name)
{
    struct clearing *now = context;
    if (entryid_valid(name) && !spool_has(now->spool, name) && !spool_has(now->spool, name))
        count_removal(now, SPOOL_JOURNAL, name);
    return true;
}

bool recovery_run(struct spool *spool, size_t *removed, struct error *err)
{
    struct clearing now = {.spool = spool};
    bool ok = spool_each(spool, SPOOL_TMP, clear_temporary, &now, err) &&
              spool_each(spool, SPOOL_JOURNAL, clear_journal, &now, err);
    if (removed)
        *removed = now.removed;
    return ok;
}
