#include "config.h"
#include "delivery/spoolpath.h"

bool spoolpath_find(struct str *out, const struct site *site, enum account_scope scope)
{
    const char *directory = site->config.queue[scope].directory;
    if (directory && *directory)
        str_add(out, directory);
    else if (scope == SCOPE_SYSTEM)
        str_add(out, site->paths->statedir);
    else if (*site->caller.state_home)
        str_addf(out, "%s/onehop", site->caller.state_home);
    return out->len > 0;
}
