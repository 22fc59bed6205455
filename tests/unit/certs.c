#include "suite.h"

#include <string.h>
#include <time.h>

#include "base/str.h"
#include "certs.h"

static struct world {
    gnutls_x509_privkey_t key[KEYS];
    gnutls_x509_crt_t made[CERTS_MAX]; /* to be freed */
    size_t n;
} world;

void certs_begin(void)
{
    for (int i = 0; i < KEYS; i++) {
        assert_int_equal(gnutls_x509_privkey_init(&world.key[i]), 0);
        assert_int_equal(
            gnutls_x509_privkey_generate(world.key[i], GNUTLS_PK_ECDSA,
                                         GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
            0);
    }
}

void certs_end(void)
{
    while (world.n > 0)
        gnutls_x509_crt_deinit(world.made[--world.n]);
    for (int i = 0; i < KEYS; i++)
        gnutls_x509_privkey_deinit(world.key[i]);
}

static void set_name(gnutls_x509_crt_t cert, const struct wish *w)
{
    struct str raw = {0};
    if (w->no_name)
        return;
    str_add_char(&raw, w->utf8 ? 12 : 19); /* UTF8String, PrintableString */
    str_add_char(&raw, (char)strlen(w->name));
    str_add(&raw, w->name);
    assert_int_equal(gnutls_x509_crt_set_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME, 1, raw.data,
                                                   (unsigned)raw.len),
                     0);
    str_clear(&raw);
}

static void set_identifiers(gnutls_x509_crt_t cert, const struct wish *w)
{
    unsigned char id[20];
    size_t len = sizeof id;
    assert_int_equal(gnutls_x509_privkey_get_key_id(world.key[w->key], 0, id, &len), 0);
    assert_int_equal(gnutls_x509_crt_set_subject_key_id(cert, id, len), 0);
    assert_int_equal(gnutls_x509_privkey_get_key_id(world.key[w->issuer_key], 0, id, &len), 0);
    assert_int_equal(gnutls_x509_crt_set_authority_key_id(cert, id, len), 0);
}

static void set_authority(gnutls_x509_crt_t cert, const struct wish *w)
{
    assert_int_equal(gnutls_x509_crt_set_basic_constraints(cert, 1, w->path_length - 1), 0);
    assert_int_equal(gnutls_x509_crt_set_key_usage(cert, w->no_signing
                                                             ? GNUTLS_KEY_DIGITAL_SIGNATURE
                                                             : GNUTLS_KEY_KEY_CERT_SIGN),
                     0);
    if (w->permitted) {
        gnutls_x509_name_constraints_t nc;
        const gnutls_datum_t domain = {(unsigned char *)w->permitted,
                                       (unsigned)strlen(w->permitted)};
        assert_int_equal(gnutls_x509_name_constraints_init(&nc), 0);
        assert_int_equal(
            gnutls_x509_name_constraints_add_permitted(nc, GNUTLS_SAN_DNSNAME, &domain), 0);
        assert_int_equal(gnutls_x509_crt_set_name_constraints(cert, nc, 1), 0);
        gnutls_x509_name_constraints_deinit(nc);
    }
}

/* GnuTLS compares names of what it has read, not of what it has made. CERT is freed. */
static gnutls_x509_crt_t read_again(gnutls_x509_crt_t cert)
{
    gnutls_datum_t der;
    assert_int_equal(gnutls_x509_crt_export2(cert, GNUTLS_X509_FMT_DER, &der), 0);
    gnutls_x509_crt_deinit(cert);
    assert_true(world.n < CERTS_MAX);
    assert_int_equal(gnutls_x509_crt_init(&world.made[world.n]), 0);
    assert_int_equal(gnutls_x509_crt_import(world.made[world.n], &der, GNUTLS_X509_FMT_DER), 0);
    gnutls_free(der.data);
    return world.made[world.n++];
}

gnutls_x509_crt_t certs_make(struct wish w)
{
    gnutls_x509_crt_t cert;
    const unsigned char serial[] = {1, (unsigned char)world.n};
    const time_t now = time(NULL);
    assert_int_equal(gnutls_x509_crt_init(&cert), 0);
    assert_int_equal(gnutls_x509_crt_set_version(cert, 3), 0);
    assert_int_equal(gnutls_x509_crt_set_serial(cert, serial, sizeof serial), 0);
    assert_int_equal(gnutls_x509_crt_set_activation_time(cert, now + (w.from ? w.from : -30) * DAY),
                     0);
    assert_int_equal(
        gnutls_x509_crt_set_expiration_time(cert, now + (w.until ? w.until : 30) * DAY), 0);
    set_name(cert, &w);
    assert_int_equal(gnutls_x509_crt_set_key(cert, world.key[w.key]), 0);
    if (!w.no_identifiers)
        set_identifiers(cert, &w);
    if (w.leaf) {
        const char *host = w.host ? w.host : HOST;
        assert_int_equal(gnutls_x509_crt_set_subject_alt_name(cert, GNUTLS_SAN_DNSNAME, host,
                                                              (unsigned)strlen(host),
                                                              GNUTLS_FSAN_SET),
                         0);
        assert_int_equal(gnutls_x509_crt_set_basic_constraints(cert, 0, -1), 0);
    } else {
        set_authority(cert, &w);
    }
    if (w.leaf || w.purpose)
        assert_int_equal(gnutls_x509_crt_set_key_purpose_oid(
                             cert, w.purpose ? w.purpose : GNUTLS_KP_TLS_WWW_SERVER, 0),
                         0);
    assert_int_equal(gnutls_x509_crt_sign2(cert, w.issuer ? w.issuer : cert,
                                           world.key[w.issuer_key],
                                           w.digest ? w.digest : GNUTLS_DIG_SHA256, 0),
                     0);
    return read_again(cert);
}
