/* The certificate authorities of a trust store, as a part of trust.c: read as text, of which only
 * those are imported that a given chain could need. Importing all of a system's 140 takes five
 * times as many instructions as the rest of a message. */
#ifndef AUTHORITIES_H
#define AUTHORITIES_H

#include <gnutls/x509.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"

/* Appends the PEM file STORE to PEM, or all files of the directory STORE, where those that can't be
 * read are passed over. False if there is no certificate in it: account failure, EX_NOINPUT. */
bool authorities_read(const char *store, struct str *pem, struct error *err);

/* Adds to LIST those certificates of PEM whose subject is an issuer or a subject in CHAIN, N
 * certificates in DER. GnuTLS looks for no others, so its decision is the one that it would make
 * with all of PEM. What is damaged is passed over: to trust fewer is safe. */
void authorities_add(gnutls_x509_trust_list_t list, const struct str *pem,
                     const gnutls_datum_t *chain, unsigned n);

/* The issuer and the subject of a certificate in DER (RFC 5280, 4.1), encoded, as parts of it: what
 * follows the subject may be missing. False if there is no such beginning. */
bool authorities_names(const gnutls_datum_t *certificate, gnutls_datum_t *issuer,
                       gnutls_datum_t *subject);

#endif
