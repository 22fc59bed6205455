/* Certificates of every kind, for tests of who is believed. */
#ifndef CERTS_H
#define CERTS_H

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdbool.h>

#define HOST "mx.mail.example"

enum { DAY = 86400, KEYS = 5, CERTS_MAX = 128 };

struct wish {
    const char *name; /* common name of the subject */
    int key;
    gnutls_x509_crt_t issuer; /* NULL: itself */
    int issuer_key;
    int from, until; /* days from now; 0: it is valid */
    const char *permitted, *purpose, *host;
    gnutls_digest_algorithm_t digest; /* 0: SHA-256 */
    bool leaf, utf8, no_identifiers, no_name, no_signing;
    int path_length; /* one more than it, 0: unlimited */
};

/* Makes the keys, and frees them and all certificates. */
void certs_begin(void);
void certs_end(void);

/* Makes a certificate, which lives until the end. */
gnutls_x509_crt_t certs_make(struct wish w);

#define ROOT(cn, k, ...)                                                                           \
    certs_make((struct wish){.name = cn, .key = k, .issuer_key = k, __VA_ARGS__})
#define ISSUED(cn, k, by, by_key, ...)                                                             \
    certs_make((struct wish){.name = cn, .key = k, .issuer = by, .issuer_key = by_key, __VA_ARGS__})
#define LEAF(cn, k, by, by_key, ...) ISSUED(cn, k, by, by_key, .leaf = true, __VA_ARGS__)
#define LIST(...) ((gnutls_x509_crt_t[]){__VA_ARGS__, NULL})

#endif
