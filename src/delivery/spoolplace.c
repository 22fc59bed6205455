#include "config.h"
#include "delivery/spoolplace.h"

bool spoolplace_path(struct str *out, const struct configuration *config, const struct paths *paths,
                     const struct caller *caller, enum account_scope scope)
{
    const char *directory = config->queue[scope].directory;
    if (directory && *directory)
        str_add(out, directory);
    else if (scope == SCOPE_SYSTEM)
        str_add(out, paths->statedir);
    else if (*caller->state_home)
        str_addf(out, "%s/onehop", caller->state_home);
    return out->len > 0;
}
