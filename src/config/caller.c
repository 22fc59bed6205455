#include "config.h"
#include "config/caller.h"

void caller_clear(struct caller_storage *storage)
{
    str_clear(&storage->name);
    str_clear(&storage->full_name);
    str_clear(&storage->home);
    str_clear(&storage->config_home);
    str_clear(&storage->state_home);
    str_clear(&storage->user);
}
