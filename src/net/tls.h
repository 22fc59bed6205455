/* TLS with GnuTLS: 1.2 or newer. As a client the peer is verified before a single octet is handed
 * out. Together with tlsserver.c, trust.c and authorities.c the only place that knows the library.
 */
#ifndef TLS_H
#define TLS_H

#include "base/binding.h"
#include "base/str.h"
#include "net/stream.h"
#include "net/tlsserver.h"

struct tlsa;

struct tls_params {
    const char *host;        /* for SNI and verification; U-labels are converted */
    const char *trust_file;  /* "system", a PEM file or a directory of them; "" only with
                                a fingerprint or check off */
    const char *crl_file;    /* "" for none */
    const char *fingerprint; /* "" or hex, colons or blanks allowed: 32 octets SHA-256 of the
                                certificate, 20 SHA-1; with "spki:" in front SHA-256 of its public
                                key. It replaces the trust check, as msmtp's does */
    const struct tlsa *tlsa; /* NULL, or records that replace the trust check: see dane.h */
    const char *key_file, *cert_file; /* "" or both; PEM files or PKCS#11 URIs */
    const char *pin;                  /* for them, or "" */
    const char *priorities; /* GnuTLS priority string, "" for the system's with TLS below 1.2 off */
    bool check;             /* off: no verification at all */
    int min_dh_prime_bits;  /* 0: the library's */
};

/* Shakes hands over INNER and returns a stream that owns it. On failure NULL, and INNER is closed.
 * Failures are the account's: a file that can't be read EX_NOINPUT permanent; a certificate that
 * does not hold, EX_UNAVAILABLE temporary (an administrator can mend it), saying what is wrong with
 * it: the name ("is for a.example, not b.example"), expired when, not yet valid, unknown issuer
 * (self-signed), revoked, not for servers, and, for the unknown issuer, the fingerprint; anything
 * else EX_PROTOCOL. */
struct stream *tls_start(struct stream *inner, const struct tls_params *params, int64_t deadline,
                         struct error *err);

/* Shakes hands over INNER as a server and returns a stream that owns it. On failure NULL, and INNER
 * is closed. SERVER must outlive the stream. */
struct stream *tls_accept(struct stream *inner, const struct tlsserver *server, int64_t deadline,
                          struct error *err);

/* Fills PEER, zeroed memory, with the client of a stream that tls_accept() made. */
void tls_peer(struct stream *stream, struct tlsserver_peer *peer);

/* Appends lines about the session of a stream made by tls_start(): "protocol = TLS1.3", "cipher =
 * ...", subject, issuer, validity, fingerprints (SHA-256 of certificate and public key). */
void tls_describe(struct stream *stream, struct str *out);

/* Fills BINDING, zeroed memory, with the channel binding of a stream that tls_start() made. */
void tls_channel_binding(struct stream *stream, struct binding *binding);

/* *END becomes when the certificates of the PEM file FILE end, in seconds since 1970: the first of
 * a chain; of AUTHORITIES, which can have old ones next to new ones, the last. Fails where it has
 * none: EX_NOINPUT, permanent. */
bool tls_certificates_end(const char *file, bool authorities, int64_t *end, struct error *err);

#endif
