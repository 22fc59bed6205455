#include "config.h"
#include "config/site.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"

void site_open(struct site *site, const char *program, const struct paths *paths,
               void (*find)(struct caller *caller, struct caller_storage *storage))
{
    *site = (struct site){.program = program, .paths = paths};
    find(&site->caller, &site->storage);
    if (!*site->caller.credentials)
        site->caller.credentials = paths->secretsdir;
    this_host_read(&site->host, paths);
}

/* FRESH was read now, and takes the place of what was there. */
static void take(struct site *site, const struct configuration *fresh)
{
    configuration_clear(&site->config);
    site->config = *fresh;
    site->configured = true;
    site->read_at = clock_wall();
}

static bool configure(struct site *site, const struct paths *paths, const char *file,
                      struct error *err)
{
    struct configuration fresh;
    if (!configuration_read(&fresh, paths, &site->caller, file, err))
        return false;
    take(site, &fresh);
    return true;
}

bool site_configure(struct site *site, const char *file, struct error *err)
{
    return configure(site, site->paths, file, err);
}

bool site_configure_user(struct site *site, struct error *err)
{
    struct paths own = *site->paths;
    own.sysconfdir = "";
    return configure(site, &own, NULL, err);
}

/* An editor or a full disk leaves an empty file behind: it does not replace accounts. */
static bool read_again(struct site *site, struct error *err)
{
    struct configuration fresh;
    if (!configuration_read(&fresh, site->paths, &site->caller, NULL, err))
        return false;
    if (fresh.n == 0 && site->config.n > 0) {
        configuration_clear(&fresh);
        return error_config(err, "%s: there is no account in it any more",
                            site->config.found[SCOPE_SYSTEM].path);
    }
    take(site, &fresh);
    return true;
}

bool site_refresh(struct site *site, struct error *err)
{
    struct str now = {0};
    configuration_look(&now, site->paths, &site->caller);
    bool same = strcmp(str_text(&now), str_text(&site->seen)) == 0;
    str_clear(&site->seen);
    site->seen = now;
    if (same)
        return true;
    bool ok = read_again(site, err);
    free(site->rejected);
    site->rejected = ok ? NULL : memory_copy(err->text);
    free(site->broken);
    site->broken = ok || site->config.n > 0 ? NULL : memory_copy(err->text);
    if (site->broken && !site->configured)
        configuration_empty(&site->config);
    site->configured = true;
    return ok;
}

const char *site_rejected(const struct site *site)
{
    return site->broken ? site->broken : site->rejected ? site->rejected : site->listener_rejected;
}

void site_close(struct site *site)
{
    configuration_clear(&site->config);
    str_clear(&site->seen);
    free(site->broken);
    free(site->rejected);
    free(site->listener_rejected);
    site->broken = site->rejected = site->listener_rejected = NULL;
    this_host_clear(&site->host);
    caller_clear(&site->storage);
}
