#include "config.h"
#include "queue/slots.h"

#include "base/str.h"
#include "queue/spoolfile.h"
#include "queue/tokenizer.h"

bool slots_take(const struct spool *spool, const char *account, unsigned max, int *fd,
                struct error *err)
{
    struct str name = {0};
    bool ok = true, locked = false;
    *fd = -1;
    for (unsigned i = 0; ok && !locked && i < max; i++) {
        str_truncate(&name, 0);
        tokenizer_add_name(&name, account);
        str_addf(&name, ".slot%u", i);
        ok = spoolfile_share(spool, name.data, fd, &locked, err);
        if (!ok || !locked) {
            if (ok)
                spoolfile_close(*fd);
            *fd = -1;
        }
    }
    str_clear(&name);
    return ok;
}

void slots_give(int fd)
{
    spoolfile_close(fd);
}
