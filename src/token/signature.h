/* Signing and hashing for OAuth 2.0: RSA keys, certificates' thumbprints, random text. The only
 * file here that knows GnuTLS. */
#ifndef SIGNATURE_H
#define SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/str.h"

struct signature_key;

/* Reads a private RSA key from PEM. NULL, EX_CONFIG, if it is none; ORIGIN is for the error. */
struct signature_key *signature_key_read(const struct str *pem, const char *origin,
                                         struct error *err);
void signature_key_free(struct signature_key *key);

/* The algorithm of RFC 7518, 3.1: "RS256", or "PS256" where PSS is wanted or the key is for it
 * alone. */
const char *signature_algorithm(const struct signature_key *key, bool pss);

/* Appends the signature of DATA in base64url. */
bool signature_make(const struct signature_key *key, bool pss, const struct str *data,
                    struct str *out, struct error *err);

/* Appends the SHA-1 and the SHA-256 of the first certificate of PEM in base64url (RFC 7515, 4.1.7
 * and 4.1.8). EX_CONFIG if there is none. */
bool signature_thumbprints(const struct str *pem, const char *origin, struct str *sha1,
                           struct str *sha256, struct error *err);

/* Appends the base64url of OCTETS random octets (at most 64), or of the SHA-256 of TEXT. */
bool signature_random(struct str *out, size_t octets, struct error *err);
bool signature_hash(struct str *out, const char *text, struct error *err);

/* Appends DATA in base64url without padding (RFC 7515, 2). */
void signature_base64url(struct str *out, const void *data, size_t len);

#endif
