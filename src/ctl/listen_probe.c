#include "config.h"
#include "ctl/listen_probe.h"

#include <string.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/translation.h"
#include "config/listen.h"
#include "net/connect.h"

enum { PATIENCE = 5 * 1000, GREETING_MAX = 512 };

/* Any reply says that the service is there: it may be full, or this machine not be allowed. */
static bool has_greeting(struct stream *stream, int64_t deadline, struct error *err)
{
    char greeting[GREETING_MAX];
    if (stream_wait(stream, STREAM_READ, deadline, err) == STREAM_FAILED)
        return false;
    return stream_read(stream, greeting, sizeof greeting, err) > 0 ||
           error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_UNAVAILABLE, "no greeting came");
}

static bool answers(const union listen_address *address, struct error *err)
{
    char host[INET6_ADDRSTRLEN];
    struct in6_addr mapped = listen_mapped(address);
    listen_text(&mapped, host);
    const struct connect_params params = {
        .host = strcmp(host, "0.0.0.0") == 0 ? "127.0.0.1"
                : strcmp(host, "::") == 0    ? "::1"
                                             : host,
        .port = listen_port(address),
        .source_ip = "",
        .deadline = clock_after(PATIENCE),
    };
    struct connect_result result;
    if (!connect_host(&params, &result, err))
        return false;
    bool ok = params.port == LISTEN_TLS_PORT || has_greeting(result.stream, params.deadline, err);
    stream_close(result.stream);
    return ok;
}

static void describe(struct str *out, const struct service_settings *service)
{
    if (*service->tls_cert_file)
        str_addf(out, _("\nTLS with %s"), service->tls_cert_file);
    if (*service->users_file)
        str_addf(out, _("\nfor the users of %s"), service->users_file);
    if (*service->tls_client_ca_file)
        str_addf(out, _("\nfor certificates of %s"), service->tls_client_ca_file);
    for (size_t i = 0; i < service->allow_networks.n; i++)
        str_addf(out, _("\nwithout a login for %s"), service->allow_networks.item[i]);
}

bool listen_probe(struct str *out, const struct site *site, const char *item, struct error *err)
{
    const struct service_settings *service = &site->config.service;
    union listen_address address[LISTEN_FAMILIES];
    bool open = listen_parse(item, address) > 0 && !listen_is_local(&address[0]);
    str_add(out, item);
    if (open && !listen_check(service, site->config.found[SCOPE_SYSTEM].path, err))
        return false;
    if (!answers(&address[0], err))
        return error_prefix(err, "%s", item);
    if (open)
        describe(out, service);
    return true;
}
