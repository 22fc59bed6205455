/* A host name's addresses, found within a deadline. */
#ifndef RESOLVE_H
#define RESOLVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/error.h"

enum { RESOLVE_MAX = 32, RESOLVE_TEXT_MAX = 64 };

struct resolve_address {
    struct sockaddr_storage address;
    socklen_t len;
    char text[RESOLVE_TEXT_MAX]; /* without port and brackets */
};

struct resolve_list {
    struct resolve_address item[RESOLVE_MAX];
    size_t n;
};

/* Finds the addresses of HOST (a name, its labels A or U; or a literal, in brackets or not) and
 * puts PORT into them. getaddrinfo(3) has no deadline, so a name is looked up in a thread, which is
 * left behind if it takes longer; a literal needs none. The order is the system's (RFC 6724), but
 * the families alternate (RFC 8305, 4). Failure is account, temporary: EX_NOHOST where the name
 * does not exist, else EX_TEMPFAIL; a name that cannot be one is EX_CONFIG. */
bool resolve_host(const char *host, int port, int64_t deadline, struct resolve_list *list,
                  struct error *err);

#endif
