#include "config.h"
#include "token/signature.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/base64.h"
#include "base/memory.h"

struct signature_key {
    gnutls_privkey_t key;
    bool pss_only;
};

static bool broken(struct error *err, const char *what, int status)
{
    return error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL, "%s: %s", what,
                     gnutls_strerror(status));
}

static gnutls_datum_t datum(const struct str *text)
{
    return (gnutls_datum_t){.data = (unsigned char *)str_text(text), .size = (unsigned)text->len};
}

struct signature_key *signature_key_read(const struct str *pem, const char *origin,
                                         struct error *err)
{
    struct signature_key *key = memory_new(sizeof *key);
    gnutls_datum_t data = datum(pem);
    int status = gnutls_privkey_init(&key->key);
    if (status == 0)
        status = gnutls_privkey_import_x509_raw(key->key, &data, GNUTLS_X509_FMT_PEM, NULL, 0);
    int kind = status == 0 ? gnutls_privkey_get_pk_algorithm(key->key, NULL) : GNUTLS_PK_UNKNOWN;
    key->pss_only = kind == GNUTLS_PK_RSA_PSS;
    if (kind == GNUTLS_PK_RSA || key->pss_only)
        return key;
    if (status == GNUTLS_E_DECRYPTION_FAILED)
        error_config(err,
                     "%s: the key has a passphrase: write it without one, mode 0600 (`openssl pkey "
                     "-in %s -out NEW`)",
                     origin, origin);
    else if (status != 0)
        error_config(err, "%s: no private key: %s", origin, gnutls_strerror(status));
    else
        error_config(err, "%s: the key is of another kind: make one of RSA", origin);
    signature_key_free(key);
    return NULL;
}

void signature_key_free(struct signature_key *key)
{
    if (!key)
        return;
    if (key->key)
        gnutls_privkey_deinit(key->key);
    free(key);
}

const char *signature_algorithm(const struct signature_key *key, bool pss)
{
    return pss || key->pss_only ? "PS256" : "RS256";
}

bool signature_make(const struct signature_key *key, bool pss, const struct str *data,
                    struct str *out, struct error *err)
{
    gnutls_datum_t text = datum(data), signature = {0};
    gnutls_sign_algorithm_t algorithm = key->pss_only ? GNUTLS_SIGN_RSA_PSS_SHA256
                                        : pss         ? GNUTLS_SIGN_RSA_PSS_RSAE_SHA256
                                                      : GNUTLS_SIGN_RSA_SHA256;
    int status = gnutls_privkey_sign_data2(key->key, algorithm, 0, &text, &signature);
    if (status != 0)
        return broken(err, "cannot sign", status);
    signature_base64url(out, signature.data, signature.size);
    gnutls_free(signature.data);
    return true;
}

static int hash(gnutls_digest_algorithm_t algorithm, const void *data, size_t len, struct str *out)
{
    unsigned char digest[64];
    int status = gnutls_hash_fast(algorithm, data, len, digest);
    if (status == 0)
        signature_base64url(out, digest, (size_t)gnutls_hash_get_len(algorithm));
    return status;
}

bool signature_thumbprints(const struct str *pem, const char *origin, struct str *sha1,
                           struct str *sha256, struct error *err)
{
    gnutls_x509_crt_t certificate = NULL;
    gnutls_datum_t data = datum(pem), der = {0};
    int status = gnutls_x509_crt_init(&certificate);
    if (status == 0)
        status = gnutls_x509_crt_import(certificate, &data, GNUTLS_X509_FMT_PEM);
    if (status == 0)
        status = gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_DER, &der);
    if (status == 0)
        status = hash(GNUTLS_DIG_SHA1, der.data, der.size, sha1);
    if (status == 0)
        status = hash(GNUTLS_DIG_SHA256, der.data, der.size, sha256);
    if (certificate)
        gnutls_x509_crt_deinit(certificate);
    gnutls_free(der.data);
    return status == 0 ||
           error_config(err, "%s: no certificate: %s", origin, gnutls_strerror(status));
}

bool signature_random(struct str *out, size_t octets, struct error *err)
{
    unsigned char data[64];
    int status =
        octets <= sizeof data ? gnutls_rnd(GNUTLS_RND_KEY, data, octets) : GNUTLS_E_INTERNAL_ERROR;
    if (status != 0)
        return broken(err, "no random numbers", status);
    signature_base64url(out, data, octets);
    explicit_bzero(data, sizeof data);
    return true;
}

bool signature_hash(struct str *out, const char *text, struct error *err)
{
    int status = hash(GNUTLS_DIG_SHA256, text, strlen(text), out);
    return status == 0 || broken(err, "SHA-256", status);
}

void signature_base64url(struct str *out, const void *data, size_t len)
{
    size_t start = out->len;
    base64_encode(out, data, len);
    for (size_t i = start; i < out->len; i++)
        if (out->data[i] == '+')
            out->data[i] = '-';
        else if (out->data[i] == '/')
            out->data[i] = '_';
    while (out->len > start && out->data[out->len - 1] == '=')
        str_truncate(out, out->len - 1);
}
