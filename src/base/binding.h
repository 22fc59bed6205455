/* The channel binding of a TLS connection (RFC 5929, RFC 9266): octets that both ends of it know
 * and nobody in between, for a login that proves to speak to the server itself. */
#ifndef BINDING_H
#define BINDING_H

#include "base/str.h"

enum binding_kind {
    BINDING_NONE,     /* no TLS */
    BINDING_UNSAFE,   /* TLS 1.2 without extended master secret (RFC 7627): others may know them */
    BINDING_UNIQUE,   /* tls-unique, of TLS 1.2 (RFC 5929, 3) */
    BINDING_EXPORTER, /* tls-exporter, of TLS 1.3 (RFC 9266) */
};

/* Zeroed memory is none. */
struct binding {
    enum binding_kind kind;
    struct str data; /* a secret; empty unless it is tls-unique or tls-exporter */
};

#endif
