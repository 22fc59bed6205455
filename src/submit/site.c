#include "config.h"
#include "submit/site.h"

void site_open(struct site *site, const char *program, const struct paths *paths)
{
    *site = (struct site){.program = program, .paths = paths};
    caller_find(&site->caller, &site->storage);
    this_host_read(&site->host, paths);
}

bool site_configure(struct site *site, const char *file, struct error *err)
{
    struct configuration fresh;
    if (!configuration_read(&fresh, site->paths, &site->caller, file, err))
        return false;
    configuration_clear(&site->config);
    site->config = fresh;
    site->configured = true;
    return true;
}

void site_close(struct site *site)
{
    configuration_clear(&site->config);
    this_host_clear(&site->host);
    caller_clear(&site->storage);
}
