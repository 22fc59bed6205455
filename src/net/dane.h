/* Whether the certificates of a TLS server fit TLSA records (RFC 6698, RFC 7671); for trust.c. */
#ifndef DANE_H
#define DANE_H

#include <gnutls/x509.h>
#include <stdbool.h>

#include "net/tlsa.h"

/* True if CHAIN, N certificates of which the first is the server's own, fits one of TLSA's records.
 * DANE-EE: that certificate or its key is the record's; name, dates and signatures count for
 * nothing (RFC 7672, 3.1.1). DANE-TA: one behind it is the record's, and the chain up to there
 * holds for HOST, for servers and now. False: *STATUS has what GnuTLS finds wrong with a chain that
 * leads to a record, 0 where none does. */
bool dane_fits(const struct tlsa *tlsa, const gnutls_datum_t *chain, unsigned n, const char *host,
               unsigned *status);

#endif
