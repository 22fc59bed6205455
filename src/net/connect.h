/* TCP to a host by name: all its addresses, IPv6 and IPv4 raced (RFC 8305): the next address is
 * tried when the one before has failed or CONNECT_STAGGER milliseconds have passed; the first
 * connection is used and the others are closed. TCP_NODELAY is set. */
#ifndef CONNECT_H
#define CONNECT_H

#include "net/resolve.h"
#include "net/stream.h"

enum { CONNECT_STAGGER = 250, CONNECT_ADDRESSES_MAX = RESOLVE_MAX };

struct connect_params {
    const char *host; /* name, A-label or U-label, or literal address, [brackets] allowed */
    int port;
    const char *source_ip; /* "" for any */
    int64_t deadline; /* covers the name, too: getaddrinfo() runs in a thread, left behind if it
                         takes longer; literal addresses need none */
};

struct connect_result {
    struct stream *stream;
    char address[RESOLVE_TEXT_MAX]; /* the peer's address, as text */
};

/* Failure is account, temporary: EX_NOHOST where the name does not exist, EX_TEMPFAIL else; the
 * text names each address tried and why ("192.0.2.1: connection refused; 2001:db8::1: ..."). A
 * source_ip that is no address is EX_CONFIG. */
bool connect_host(const struct connect_params *params, struct connect_result *result,
                  struct error *err);

/* The race alone, for addresses that are known; params->host and port are only for the text. */
bool connect_race(const struct connect_params *params, const struct resolve_list *list,
                  struct connect_result *result, struct error *err);

#endif
