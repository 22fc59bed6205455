#include "config.h"
#include "submit/listener.h"

#include <string.h>

#include "config/listen.h"

/* All that it depends on: another text is another listener. */
static void look(struct str *out, const struct service_settings *service)
{
    for (size_t i = 0; i < service->allow_networks.n; i++)
        str_addf(out, "%s,", service->allow_networks.item[i]);
}

bool listener_refresh(struct listener *listener, const struct site *site, struct error *err)
{
    const struct service_settings *service = &site->config.service;
    struct str now = {0};
    look(&now, service);
    bool same = listener->seen.data && strcmp(str_text(&now), str_text(&listener->seen)) == 0;
    str_clear(&listener->seen);
    listener->seen = now;
    if (same)
        return true;
    if (!listen_check(service, site->config.found[SCOPE_SYSTEM].path, err))
        return false;
    strlist_copy(&listener->networks, &service->allow_networks);
    listener->ready = true;
    return true;
}

static bool trusts(const struct listener *listener, const struct in6_addr *address)
{
    return listen_allows(&listener->networks, address);
}

bool listener_admits(const struct listener *listener, const struct in6_addr *address)
{
    return trusts(listener, address);
}

void listener_clear(struct listener *listener)
{
    strlist_clear(&listener->networks);
    str_clear(&listener->seen);
    *listener = (struct listener){0};
}
