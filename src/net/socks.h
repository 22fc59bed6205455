/* The client side of SOCKS 5 (RFC 1928) without authentication: the proxy looks the name up and
 * connects, and then the stream is the connection. */
#ifndef SOCKS_H
#define SOCKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "net/stream.h"

enum { SOCKS_PORT = 1080, SOCKS_NAME_MAX = 255 };

/* Asks the proxy at the other end of STREAM to connect to HOST:PORT; HOST is a name, which is sent
 * as it is but with A-labels, or an address. Reads not one octet more than the proxy's replies. A
 * refusal, or a reply that is none: account, temporary, EX_UNAVAILABLE. */
bool socks_connect(struct stream *stream, const char *host, int port, int64_t deadline,
                   struct error *err);

#endif
