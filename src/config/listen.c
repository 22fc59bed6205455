#include "config.h"
#include "config/listen.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/translation.h"

enum { HOST_MAX = INET6_ADDRSTRLEN + 1, PORT_MAX = 65535, MAPPED_BITS = 96 };

/* The digits of TEXT and nothing else, up to MAX; -1: it is no such number. */
static long number(const char *text, long max)
{
    size_t digits = strspn(text, "0123456789");
    long n = digits > 0 && digits < 6 && !text[digits] ? strtol(text, NULL, 10) : -1;
    return n <= max ? n : -1;
}

static bool set_v6(union listen_address *address, const char *host, in_port_t port)
{
    address->v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = port};
    return inet_pton(AF_INET6, host, &address->v6.sin6_addr) == 1;
}

static bool set_v4(union listen_address *address, const char *host, in_port_t port)
{
    address->v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port};
    return inet_pton(AF_INET, host, &address->v4.sin_addr) == 1;
}

size_t listen_parse(const char *text, union listen_address address[LISTEN_FAMILIES])
{
    char host[HOST_MAX] = "";
    const char *colon = strrchr(text, ':');
    long n = colon ? number(colon + 1, PORT_MAX) : -1;
    in_port_t port = htons((in_port_t)(n > 0 ? n : 0));
    size_t len = colon ? (size_t)(colon - text) : 0;
    if (n <= 0 || len >= sizeof host)
        return 0;
    if (len == 0)
        return set_v4(&address[0], "0.0.0.0", port) && set_v6(&address[1], "::", port) ? 2 : 0;
    bool is_v6 = text[0] == '[' && text[len - 1] == ']';
    memcpy(host, text + is_v6, len - 2 * is_v6);
    return is_v6 ? set_v6(address, host, port) : set_v4(address, host, port);
}

struct in6_addr listen_mapped(const union listen_address *address)
{
    struct in6_addr mapped = {.s6_addr = {[10] = 0xff, [11] = 0xff}};
    if (address->any.sa_family == AF_INET6)
        return address->v6.sin6_addr;
    memcpy(mapped.s6_addr + MAPPED_BITS / 8, &address->v4.sin_addr, sizeof address->v4.sin_addr);
    return mapped;
}

void listen_text(const struct in6_addr *mapped, char text[INET6_ADDRSTRLEN])
{
    bool is_v4 = IN6_IS_ADDR_V4MAPPED(mapped);
    (void)inet_ntop(is_v4 ? AF_INET : AF_INET6, mapped->s6_addr + (is_v4 ? MAPPED_BITS / 8 : 0),
                    text, INET6_ADDRSTRLEN); /* which has room for any */
}

bool listen_is_local(const union listen_address *address)
{
    sa_family_t family = address->any.sa_family;
    if (family != AF_INET && family != AF_INET6)
        return family == AF_UNIX;
    struct in6_addr mapped = listen_mapped(address);
    return IN6_IS_ADDR_LOOPBACK(&mapped) ||
           (IN6_IS_ADDR_V4MAPPED(&mapped) && mapped.s6_addr[MAPPED_BITS / 8] == 127);
}

in_port_t listen_port(const union listen_address *address)
{
    sa_family_t family = address->any.sa_family;
    return ntohs(family == AF_INET    ? address->v4.sin_port
                 : family == AF_INET6 ? address->v6.sin6_port
                                      : 0);
}

bool listen_check_address(const char *text, struct error *err)
{
    union listen_address address[LISTEN_FAMILIES];
    if (listen_parse(text, address) > 0)
        return true;
    return error_config(err,
                        "'%s' is no address and port: write it like 127.0.0.1:25, or 0.0.0.0:587, "
                        "[::]:587 or :587 for the network",
                        text);
}

static bool has_bit(const struct in6_addr *address, unsigned bit)
{
    return address->s6_addr[bit / 8] >> (7 - bit % 8) & 1;
}

/* Reads "ADDRESS/BITS" as an address of both families and the bits of it that count. */
static bool read_network(const char *text, struct in6_addr *network, unsigned *bits)
{
    char host[HOST_MAX];
    union listen_address address;
    const char *slash = strchr(text, '/');
    size_t len = slash ? (size_t)(slash - text) : strlen(text);
    if (len >= sizeof host)
        return false;
    (void)snprintf(host, sizeof host, "%.*s", (int)len, text);
    bool is_v4 = set_v4(&address, host, 0);
    long all = is_v4 ? 32 : 128, n = slash ? number(slash + 1, all) : all;
    if (n < 0 || (!is_v4 && !set_v6(&address, host, 0)))
        return false;
    *network = listen_mapped(&address);
    *bits = (unsigned)n + (is_v4 ? MAPPED_BITS : 0);
    return true;
}

/* All of IPv4 is: as an address of both families it is what ::ffff:0:0/96 holds, and a shorter
 * prefix of zeros. */
static bool has_all_v4(const struct in6_addr *network, unsigned bits)
{
    const union listen_address any = {.v4 = {.sin_family = AF_INET}};
    const struct in6_addr all = listen_mapped(&any);
    unsigned bit = 0;
    while (bit < bits && has_bit(network, bit) == has_bit(&all, bit))
        bit++;
    return bit == bits && bits <= MAPPED_BITS;
}

bool listen_check_network(const char *text, struct error *err)
{
    struct in6_addr network;
    unsigned bits;
    if (!read_network(text, &network, &bits))
        return error_config(err, "'%s' is no network: write it like 192.168.1.0/24 or fd00::/8",
                            text);
    if (has_all_v4(&network, bits))
        return error_config(err, "'%s' is everybody: anybody could send through your accounts",
                            text);
    for (unsigned bit = bits; bit < 128; bit++)
        if (has_bit(&network, bit))
            return error_config(err, "'%s' has address bits behind the first %s", text,
                                strchr(text, '/') + 1);
    return true;
}

bool listen_allows(const struct strlist *networks, const struct in6_addr *address)
{
    for (size_t i = 0; i < networks->n; i++) {
        struct in6_addr network;
        unsigned bits, bit = 0;
        if (!read_network(networks->item[i], &network, &bits))
            continue;
        while (bit < bits && has_bit(&network, bit) == has_bit(address, bit))
            bit++;
        if (bit == bits)
            return true;
    }
    return false;
}

bool listen_is_open(const struct service_settings *service)
{
    for (size_t i = 0; i < service->listen.n; i++) {
        union listen_address address[LISTEN_FAMILIES];
        if (listen_parse(service->listen.item[i], address) > 0 && !listen_is_local(&address[0]))
            return true;
    }
    return false;
}

static bool has_tls_port(const struct service_settings *service)
{
    for (size_t i = 0; i < service->listen.n; i++) {
        union listen_address address[LISTEN_FAMILIES];
        if (listen_parse(service->listen.item[i], address) > 0 &&
            listen_port(&address[0]) == LISTEN_TLS_PORT)
            return true;
    }
    return false;
}

/* NULL: nothing is. */
static const char *what_is_missing(const struct service_settings *service)
{
    bool has_tls = *service->tls_cert_file, has_key = *service->tls_key_file;
    bool has_login = *service->users_file || *service->tls_client_ca_file;
    if (has_tls != has_key)
        return N_("tls_cert_file and tls_key_file belong together");
    if (has_login && !has_tls)
        return N_("logins need TLS: add tls_cert_file and tls_key_file");
    if (!has_tls && has_tls_port(service))
        return N_("port 465 needs TLS: add tls_cert_file and tls_key_file");
    if (!has_login && service->allow_networks.n == 0)
        return N_("[service] listens on the network for anybody: add tls_cert_file, tls_key_file "
                  "and users_file, or allow_networks");
    return NULL;
}

bool listen_check(const struct service_settings *service, const char *file, struct error *err)
{
    const char *missing = what_is_missing(service);
    if (!missing)
        return true;
    (void)error_config(err, "%s", missing);
    if (service->listen_line == 0)
        return error_prefix(err, "%s", file);
    return error_prefix(err, "%s:%d", file, service->listen_line);
}
