#include "config.h"
#include "net/dane.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <string.h>

enum { CHAIN_MAX = 16, DIGEST_MAX = 64 };

/* The public key of CERT in DER, to be freed. */
static bool read_key(gnutls_x509_crt_t cert, gnutls_datum_t *out)
{
    gnutls_pubkey_t key;
    if (gnutls_pubkey_init(&key) < 0)
        return false;
    bool ok = gnutls_pubkey_import_x509(key, cert, 0) == 0 &&
              gnutls_pubkey_export2(key, GNUTLS_X509_FMT_DER, out) == 0;
    gnutls_pubkey_deinit(key);
    return ok;
}

static bool data_fits(const struct tlsa_record *record, const gnutls_datum_t *data)
{
    unsigned char digest[DIGEST_MAX];
    const void *is = record->matching == TLSA_FULL ? data->data : digest;
    size_t len = record->matching == TLSA_SHA256   ? 32
                 : record->matching == TLSA_SHA512 ? 64
                                                   : data->size;
    if (record->matching != TLSA_FULL &&
        gnutls_hash_fast(record->matching == TLSA_SHA256 ? GNUTLS_DIG_SHA256 : GNUTLS_DIG_SHA512,
                         data->data, data->size, digest) < 0)
        return false;
    return len == record->len && memcmp(is, record->data, len) == 0;
}

static bool record_fits(const struct tlsa_record *record, const gnutls_datum_t *der,
                        gnutls_x509_crt_t cert)
{
    gnutls_datum_t key = {NULL, 0};
    if (record->selector == TLSA_CERT)
        return data_fits(record, der);
    bool fits = read_key(cert, &key) && data_fits(record, &key);
    gnutls_free(key.data);
    return fits;
}

/* Whether the N certificates hold for HOST with ANCHOR as the only authority. */
static bool chain_holds(gnutls_x509_crt_t *cert, unsigned n, gnutls_x509_crt_t anchor,
                        const char *host, unsigned *status)
{
    gnutls_typed_vdata_st demand[] = {
        {.type = GNUTLS_DT_DNS_HOSTNAME, .data = (unsigned char *)host},
        {.type = GNUTLS_DT_KEY_PURPOSE_OID, .data = (unsigned char *)GNUTLS_KP_TLS_WWW_SERVER}};
    gnutls_x509_trust_list_t list;
    *status = GNUTLS_CERT_INVALID;
    if (gnutls_x509_trust_list_init(&list, 0) < 0)
        return false;
    bool ok = gnutls_x509_trust_list_add_cas(list, &anchor, 1, 0) == 1 &&
              gnutls_x509_trust_list_verify_crt2(list, cert, n, demand, 2, 0, status, NULL) == 0 &&
              *status == 0;
    gnutls_x509_trust_list_deinit(list, 0); /* the certificate is not its own */
    return ok;
}

static bool some_record_fits(const struct tlsa *tlsa, enum tlsa_usage usage,
                             const gnutls_datum_t *der, gnutls_x509_crt_t cert)
{
    for (size_t i = 0; i < tlsa->n; i++)
        if (tlsa->record[i].usage == usage && record_fits(&tlsa->record[i], der, cert))
            return true;
    return false;
}

bool dane_fits(const struct tlsa *tlsa, const gnutls_datum_t *chain, unsigned n, const char *host,
               unsigned *status)
{
    gnutls_x509_crt_t cert[CHAIN_MAX];
    unsigned read = 0;
    bool fits = false;
    *status = 0;
    for (; read < n && read < CHAIN_MAX; read++) {
        if (gnutls_x509_crt_init(&cert[read]) < 0)
            break;
        if (gnutls_x509_crt_import(cert[read], &chain[read], GNUTLS_X509_FMT_DER) < 0) {
            gnutls_x509_crt_deinit(cert[read]);
            break;
        }
    }
    fits = read > 0 && some_record_fits(tlsa, TLSA_EE, &chain[0], cert[0]);
    for (unsigned i = 1; !fits && i < read; i++)
        fits = some_record_fits(tlsa, TLSA_TA, &chain[i], cert[i]) &&
               chain_holds(cert, i, cert[i], host, status);
    while (read > 0)
        gnutls_x509_crt_deinit(cert[--read]);
    return fits;
}
