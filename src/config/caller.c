#include "config.h"
#include "config/caller.h"

#include <string.h>

void caller_clear(struct caller_storage *storage)
{
    str_clear(&storage->name);
    str_clear(&storage->full_name);
    str_clear(&storage->home);
    str_clear(&storage->config_home);
    str_clear(&storage->state_home);
    str_clear(&storage->user);
}

void caller_secret_path(struct str *out, const struct caller *caller, const char *name)
{
    if (!strchr(name, '/') && *caller->credentials)
        str_addf(out, "%s/", caller->credentials);
    str_add(out, name);
}
