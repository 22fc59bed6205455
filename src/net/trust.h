/* Which certificates a TLS client trusts, and why it does not trust one: the certificate side of
 * tls.c, which alone includes this. */
#ifndef TRUST_H
#define TRUST_H

#include <gnutls/x509.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"
#include "net/tls.h"

enum { TRUST_HASH_MAX = 32, TRUST_FINGERPRINTS_MAX = 16 };

struct fingerprint {
    unsigned char octets[TRUST_HASH_MAX];
    size_t len;  /* 20: SHA-1, 32: SHA-256 */
    bool of_key; /* of the public key (SubjectPublicKeyInfo), else of the certificate */
};

struct trust {
    gnutls_certificate_credentials_t credentials;
    char *pin;                     /* a copy, wiped by trust_clear() */
    gnutls_x509_trust_list_t list; /* the credentials' own */
    struct str store;              /* of certificates of which some are imported into the list */
    char *host;                    /* what the certificate must be for */
    struct fingerprint fingerprint[TRUST_FINGERPRINTS_MAX]; /* one of them must fit */
    size_t fingerprints;                                    /* 0: none */
    const struct tlsa *tlsa;                                /* NULL: none */
    unsigned status;                                        /* of the chain: GNUTLS_CERT_* */
    bool refused; /* no fingerprint or record fitted, or the status is not zero */
};

/* Loads what PARAMS name. Zero TRUST before; clear it afterwards whatever is returned. */
bool trust_load(struct trust *trust, const struct tls_params *params, struct error *err);

/* Makes the handshake of SESSION fail unless the peer's certificate is trusted. The session must
 * be set up for TRUST's credentials; TRUST must outlive it. */
void trust_demand(struct trust *trust, gnutls_session_t session, const struct tls_params *params);

/* Fills ERR with why the certificate is not trusted, and returns false. */
bool trust_explain(const struct trust *trust, gnutls_session_t session, struct error *err);

/* Appends lines about the peer's certificate. */
void trust_describe(gnutls_session_t session, struct str *out);

/* Fills PEER with the client of a server's SESSION: its names, if they can be trusted, and its
 * key. */
void trust_identify(gnutls_session_t session, struct tlsserver_peer *peer);

void trust_clear(struct trust *trust);

#endif
