/* Certificates from outside: the names that are found are parts of it, and GnuTLS finds the same.
 */
#include "config.h"

#include <gnutls/x509.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/authorities.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const gnutls_datum_t *whole, const gnutls_datum_t *name)
{
    if (name->data < whole->data || name->size < 2 || name->size > whole->size ||
        (size_t)(name->data - whole->data) > whole->size - name->size)
        abort();
}

static void compare(gnutls_x509_crt_t cert, const gnutls_datum_t *name,
                    int (*read)(gnutls_x509_crt_t, gnutls_datum_t *))
{
    gnutls_datum_t theirs;
    if (read(cert, &theirs) < 0)
        return;
    if (theirs.size != name->size || memcmp(theirs.data, name->data, name->size) != 0)
        abort();
    gnutls_free(theirs.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *copy = malloc(size ? size : 1); /* exactly as large, so that overruns show */
    const gnutls_datum_t whole = {copy, (unsigned)size};
    gnutls_datum_t issuer, subject;
    gnutls_x509_crt_t cert;
    if (!copy)
        return 0;
    memcpy(copy, data, size);
    if (authorities_names(&whole, &issuer, &subject)) {
        check(&whole, &issuer);
        check(&whole, &subject);
        if (gnutls_x509_crt_init(&cert) == 0) {
            if (gnutls_x509_crt_import(cert, &whole, GNUTLS_X509_FMT_DER) == 0) {
                compare(cert, &issuer, gnutls_x509_crt_get_raw_issuer_dn);
                compare(cert, &subject, gnutls_x509_crt_get_raw_dn);
            }
            gnutls_x509_crt_deinit(cert);
        }
    }
    free(copy);
    return 0;
}
