/* Whether a chain fits TLSA records. */
#include "suite.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>

#include "base/str.h"
#include "net/dane.h"

#include "certs.h"

enum { CHAIN_MAX = 4 };

static int begin(void **state)
{
    (void)state;
    certs_begin();
    return 0;
}

static int end(void **state)
{
    (void)state;
    certs_end();
    return 0;
}

/* The data of a record "USAGE SELECTOR MATCHING" about CERT. */
static void add_data(struct str *out, gnutls_x509_crt_t cert, const char *kind)
{
    gnutls_datum_t der = {NULL, 0};
    gnutls_pubkey_t key;
    unsigned char digest[64];
    assert_int_equal(gnutls_pubkey_init(&key), 0);
    assert_int_equal(gnutls_pubkey_import_x509(key, cert, 0), 0);
    if (kind[2] == '1')
        assert_int_equal(gnutls_pubkey_export2(key, GNUTLS_X509_FMT_DER, &der), 0);
    else
        assert_int_equal(gnutls_x509_crt_export2(cert, GNUTLS_X509_FMT_DER, &der), 0);
    if (kind[4] == '0')
        str_add_n(out, (const char *)der.data, der.size);
    else
        assert_int_equal(gnutls_hash_fast(kind[4] == '1' ? GNUTLS_DIG_SHA256 : GNUTLS_DIG_SHA512,
                                          der.data, der.size, digest),
                         0);
    if (kind[4] != '0')
        str_add_n(out, (const char *)digest, kind[4] == '1' ? 32 : 64);
    gnutls_free(der.data);
    gnutls_pubkey_deinit(key);
}

static bool fits(gnutls_x509_crt_t *chain, const char *kind, const struct str *data,
                 unsigned *status)
{
    gnutls_datum_t der[CHAIN_MAX] = {{NULL, 0}};
    unsigned n = 0;
    const struct tlsa tlsa = {.record = {{.usage = (enum tlsa_usage)(kind[0] - '0'),
                                          .selector = (enum tlsa_selector)(kind[2] - '0'),
                                          .matching = (enum tlsa_matching)(kind[4] - '0'),
                                          .data = (const unsigned char *)data->data,
                                          .len = data->len}},
                              .n = 1};
    for (; chain[n]; n++)
        assert_int_equal(gnutls_x509_crt_export2(chain[n], GNUTLS_X509_FMT_DER, &der[n]), 0);
    bool ok = dane_fits(&tlsa, der, n, HOST, status);
    while (n > 0)
        gnutls_free(der[--n].data);
    return ok;
}

static void every_kind_of_record_names_its_certificate(void **state)
{
    (void)state;
    static const char *const kinds[] = {"3 0 0", "3 0 1", "3 0 2", "3 1 0", "3 1 1", "3 1 2",
                                        "2 0 0", "2 0 1", "2 0 2", "2 1 0", "2 1 1", "2 1 2"};
    gnutls_x509_crt_t root = ROOT("Root", 0), leaf = LEAF("a", 1, root, 0);
    gnutls_x509_crt_t stranger = ROOT("Stranger", 2);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        unsigned status;
        struct str data = {0}, other = {0};
        print_message("# %s\n", kinds[i]);
        add_data(&data, kinds[i][0] == '3' ? leaf : root, kinds[i]);
        add_data(&other, stranger, kinds[i]);
        assert_true(fits(LIST(leaf, root), kinds[i], &data, &status));
        assert_false(fits(LIST(leaf, root), kinds[i], &other, &status));
        assert_int_equal(status, 0);
        data.data[data.len - 1] ^= 1;
        assert_false(fits(LIST(leaf, root), kinds[i], &data, &status));
        str_truncate(&data, data.len - 1);
        assert_false(fits(LIST(leaf, root), kinds[i], &data, &status));
        str_clear(&data);
        str_clear(&other);
    }
}

static void what_else_counts_depends_on_the_usage(void **state)
{
    (void)state;
    gnutls_x509_crt_t root = ROOT("Root", 0), middle = ISSUED("Middle", 2, root, 0);
    gnutls_x509_crt_t false_root = ROOT("Root", 4);
    gnutls_x509_crt_t good = LEAF("a", 1, middle, 2);
    gnutls_x509_crt_t elsewhere = LEAF("b", 1, root, 0, .host = "other.example");
    gnutls_x509_crt_t expired = LEAF("c", 1, root, 0, .until = -1);
    gnutls_x509_crt_t client = LEAF("d", 1, root, 0, .purpose = GNUTLS_KP_TLS_WWW_CLIENT);
    gnutls_x509_crt_t self = ROOT("e", 3, .leaf = true, .host = "other.example", .until = -1);
    const struct {
        const char *name, *kind;
        gnutls_x509_crt_t named, chain[CHAIN_MAX];
        bool fits;
        unsigned status; /* of it, these bits are set */
    } rows[] = {
        {"EE, self-signed, expired, for another host", "3 1 1", self, {self}, true, 0},
        {"EE, the issuer's own", "3 1 1", root, {good, middle, root}, false, 0},
        {"TA, the root", "2 1 1", root, {good, middle, root}, true, 0},
        {"TA, the one between", "2 0 1", middle, {good, middle}, true, 0},
        {"TA that is not presented", "2 0 1", root, {good, middle}, false, 0},
        {"TA, the leaf's own", "2 1 1", self, {self}, false, 0},
        {"TA, for another host",
         "2 1 1",
         root,
         {elsewhere, root},
         false,
         GNUTLS_CERT_UNEXPECTED_OWNER},
        {"TA, expired", "2 1 1", root, {expired, root}, false, GNUTLS_CERT_EXPIRED},
        {"TA, not for servers", "2 1 1", root, {client, root}, false, GNUTLS_CERT_PURPOSE_MISMATCH},
        {"TA that has not signed",
         "2 1 1",
         false_root,
         {elsewhere, false_root},
         false,
         GNUTLS_CERT_INVALID},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str data = {0};
        unsigned status;
        gnutls_x509_crt_t chain[CHAIN_MAX + 1] = {NULL};
        memcpy(chain, rows[i].chain, sizeof rows[i].chain);
        print_message("# %s\n", rows[i].name);
        add_data(&data, rows[i].named, rows[i].kind);
        assert_int_equal(fits(chain, rows[i].kind, &data, &status), rows[i].fits);
        assert_int_equal(status & rows[i].status, rows[i].status);
        str_clear(&data);
    }
}

static void a_chain_that_is_none_fits_nothing(void **state)
{
    (void)state;
    static unsigned char octets[] = "junk", hash[32] = {0};
    const gnutls_datum_t chain[] = {{octets, 4}, {octets, 4}};
    const struct tlsa tlsa = {.record = {{.usage = TLSA_EE,
                                          .selector = TLSA_CERT,
                                          .matching = TLSA_SHA256,
                                          .data = hash,
                                          .len = sizeof hash}},
                              .n = 1};
    unsigned status;
    assert_false(dane_fits(&tlsa, chain, 2, HOST, &status));
    assert_false(dane_fits(&tlsa, chain, 0, HOST, &status));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_record_names_its_certificate),
        cmocka_unit_test(what_else_counts_depends_on_the_usage),
        cmocka_unit_test(a_chain_that_is_none_fits_nothing),
    };
    return cmocka_run_group_tests_name("dane", tests, begin, end);
}
