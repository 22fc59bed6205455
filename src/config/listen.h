/* Where the service listens in addition to its sockets, and for which peers: the keys of [service]
 * about it, as values. Pure. */
#ifndef LISTEN_H
#define LISTEN_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "config/configuration.h"

enum {
    LISTEN_TLS_PORT = 465, /* TLS begins with the connection (RFC 8314, 3.3) */
    LISTEN_FAMILIES = 2,   /* addresses that one item of `listen` can mean */
};

union listen_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_storage storage;
};

/* Reads an item of `listen`, "192.0.2.1:587", "[2001:db8::1]:587" or, for every address of both
 * families, ":587". Returns how many addresses it means; 0: it is none. */
size_t listen_parse(const char *text, union listen_address address[LISTEN_FAMILIES]);

/* True if every peer of ADDRESS is a process of this machine: loopback, or a path. */
bool listen_is_local(const union listen_address *address);

/* The port, 0 if it is no IP address. */
in_port_t listen_port(const union listen_address *address);

/* The same address as 16 octets: IPv4 as ::ffff:192.0.2.1 (RFC 4291, 2.5.5.2), whichever way it
 * came. */
struct in6_addr listen_mapped(const union listen_address *address);

/* The text of such an address: "192.0.2.1", "2001:db8::1". */
void listen_text(const struct in6_addr *mapped, char text[INET6_ADDRSTRLEN]);

/* Tests for the key table: one item of `listen`, and one of `allow_networks`, "192.168.1.0/24" or
 * "fd00::/8". A network of everybody is none. */
bool listen_check_address(const char *text, struct error *err);
bool listen_check_network(const char *text, struct error *err);

/* True if one of NETWORKS has the address. */
bool listen_allows(const struct strlist *networks, const struct in6_addr *address);

/* True if `listen` names an address that other machines reach. */
bool listen_is_open(const struct service_settings *service);

/* EX_CONFIG, with FILE:LINE and what is missing, if a listener for the network would take mail from
 * anybody, or could not do what is asked. FILE is the system's, and alone where `listen` is not in
 * it: a service manager opened the socket. */
bool listen_check(const struct service_settings *service, const char *file, struct error *err);

#endif
