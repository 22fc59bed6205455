/* What a TLS server shows and asks: its certificate, and that of its clients. Loaded once and used
 * for many sessions, also by processes that were forked afterwards. With tls.c and trust.c it is
 * behind the module (base/module.h). */
#ifndef TLSSERVER_H
#define TLSSERVER_H

#include <stdbool.h>

#include "base/error.h"
#include "base/strlist.h"

enum { TLSSERVER_KEY_SIZE = 65 }; /* a SHA-256 in lower case hex, and a NUL */

struct tlsserver_params {
    const char *cert_file; /* PEM, with its chain */
    const char *key_file;  /* PEM, unencrypted */
    const char *client_ca; /* PEM file of the authorities for certificates of clients, "" for none
                            */
    bool asks;             /* clients are asked for a certificate, which they need not have */
};

struct tlsserver;

/* NULL (EX_CONFIG, permanent) if a file cannot be read, or key and certificate are no pair. */
struct tlsserver *tlsserver_load(const struct tlsserver_params *params, struct error *err);

void tlsserver_free(struct tlsserver *server); /* NULL is allowed */

/* Who a client is, as its certificate says. Zeroed memory is a client without one. */
struct tlsserver_peer {
    struct strlist names; /* addresses, DNS names, else the common name; empty unless an authority
                             of client_ca stands for them */
    char key[TLSSERVER_KEY_SIZE]; /* of its public key, which it has proved to have; "" without a
                                     certificate */
};

#endif
