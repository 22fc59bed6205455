#include "config.h"
#include "config/caller.h"

#include <string.h>
#include <unistd.h>

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
    if (*name && !strchr(name, '/') && *caller->credentials)
        str_addf(out, "%s/", caller->credentials);
    str_add(out, name);
}

bool caller_can_read(const struct caller *caller, const char *name)
{
    struct str path = {0};
    caller_secret_path(&path, caller, name);
    bool readable = path.len == 0 || access(str_text(&path), R_OK) == 0;
    str_clear(&path);
    return readable;
}
