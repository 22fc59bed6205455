#include "config.h"
#include "queue/slots.h"

#include "queue/spoolfile.h"
#include "queue/tokenizer.h"

void slots_add_name(struct str *out, const char *account)
{
    tokenizer_add_name(out, account);
    str_add(out, ".slot");
}

/* *FD becomes -1 where slot I is taken. */
static bool take(const struct spool *spool, const char *account, unsigned i, int *fd,
                 struct error *err)
{
    struct str name = {0};
    bool locked = false;
    slots_add_name(&name, account);
    str_addf(&name, "%u", i);
    bool ok = spoolfile_share(spool, name.data, fd, &locked, err);
    if (ok && !locked)
        spoolfile_close(*fd);
    if (!ok || !locked)
        *fd = -1;
    str_clear(&name);
    return ok;
}

bool slots_take(const struct spool *spool, const char *account, unsigned max, int *fd,
                struct error *err)
{
    bool ok = true;
    *fd = -1;
    for (unsigned i = 0; ok && *fd < 0 && i < max; i++)
        ok = take(spool, account, i, fd, err);
    return ok;
}

unsigned slots_of_others(const struct spool *spool, const char *account, unsigned max, int own)
{
    unsigned taken = 0;
    for (unsigned i = 0; i < max; i++) {
        struct error ignored;
        int fd = -1;
        if (take(spool, account, i, &fd, &ignored) && fd < 0)
            taken++;
        spoolfile_close(fd);
    }
    return own >= 0 && taken > 0 ? taken - 1 : taken;
}

void slots_give(int fd)
{
    spoolfile_close(fd);
}
