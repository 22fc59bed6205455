/* Of a trust store only what a chain may need is imported. Here GnuTLS itself is asked about each
 * chain, once with all of the store and once with that part: it must say the same. */
#include "suite.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <unistd.h>

#include "base/fileread.h"
#include "base/memory.h"
#include "net/authorities.h"

#include "certs.h"
#include "scratch.h"

enum verdict { NO, YES, EITHER }; /* versions of GnuTLS differ in the last ones */

enum { DEEP = 13 };

#define BUNDLE "/etc/ssl/certs/ca-certificates.crt"

static struct str bundle; /* the system's, or empty */

static int begin(void **state)
{
    struct error err;
    assert_int_equal(scratch_setup(state), 0);
    certs_begin();
    if (!fileread_all(BUNDLE, 1 << 24, &bundle, NULL, &err))
        print_message("# without the system's store: %s\n", err.text);
    return 0;
}

static int end(void **state)
{
    certs_end();
    str_clear(&bundle);
    return scratch_teardown(state);
}

static void add_pem(struct str *pem, gnutls_x509_crt_t cert)
{
    gnutls_datum_t text;
    assert_int_equal(gnutls_x509_crt_export2(cert, GNUTLS_X509_FMT_PEM, &text), 0);
    str_add_n(pem, text.data, text.size);
    gnutls_free(text.data);
}

static unsigned decide(gnutls_x509_trust_list_t list, gnutls_x509_crt_t *chain, unsigned n)
{
    gnutls_typed_vdata_st demand[] = {
        {.type = GNUTLS_DT_DNS_HOSTNAME, .data = (unsigned char *)HOST},
        {.type = GNUTLS_DT_KEY_PURPOSE_OID, .data = (unsigned char *)GNUTLS_KP_TLS_WWW_SERVER}};
    unsigned status = 0;
    assert_int_equal(
        gnutls_x509_trust_list_verify_crt2(list, chain, n, demand, 2, 0, &status, NULL), 0);
    return status;
}

/* What is imported of PEM. */
static gnutls_x509_trust_list_t part_of(const struct str *pem, gnutls_x509_crt_t *chain, unsigned n)
{
    gnutls_datum_t der[CERTS_MAX];
    gnutls_x509_trust_list_t list;
    assert_int_equal(gnutls_x509_trust_list_init(&list, 0), 0);
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(gnutls_x509_crt_export2(chain[i], GNUTLS_X509_FMT_DER, &der[i]), 0);
    authorities_add(list, pem, der, n);
    for (unsigned i = 0; i < n; i++)
        gnutls_free(der[i].data);
    return list;
}

static size_t count(gnutls_x509_trust_list_t list)
{
    gnutls_x509_trust_list_iter_t iter = NULL;
    gnutls_x509_crt_t cert;
    size_t n = 0;
    while (gnutls_x509_trust_list_iter_get_ca(list, &iter, &cert) == 0) {
        gnutls_x509_crt_deinit(cert);
        n++;
    }
    return n;
}

/* The status with part of PEM, which must be the one with all of it; GnuTLS reads STORE, if given,
 * else PEM. */
static unsigned same(const char *name, const char *store, const struct str *pem,
                     gnutls_x509_crt_t *chain, unsigned n)
{
    const gnutls_datum_t text = {(unsigned char *)pem->data, (unsigned)pem->len};
    gnutls_x509_trust_list_t all, part = part_of(pem, chain, n);
    assert_int_equal(gnutls_x509_trust_list_init(&all, 0), 0);
    if (store)
        assert_true(
            gnutls_x509_trust_list_add_trust_dir(all, store, NULL, GNUTLS_X509_FMT_PEM, 0, 0) > 0);
    else
        assert_true(
            gnutls_x509_trust_list_add_trust_mem(all, &text, NULL, GNUTLS_X509_FMT_PEM, 0, 0) > 0);
    unsigned expected = decide(all, chain, n), status = decide(part, chain, n);
    if (status != expected)
        print_message("# %s: status %#x with all, %#x with a part of the store\n", name, expected,
                      status);
    assert_int_equal(status, expected);
    assert_true(count(part) <= 2 * DEEP);
    gnutls_x509_trust_list_deinit(all, 1);
    gnutls_x509_trust_list_deinit(part, 1);
    return status;
}

/* CHAIN is presented to somebody who trusts STORE: with nothing else in the store, with the
 * system's CAs around it, and with a directory of files. */
static void judge(const char *name, enum verdict expected, gnutls_x509_crt_t *chain,
                  gnutls_x509_crt_t *store)
{
    static int number;
    struct str small = {0}, large = {0}, found = {0};
    char directory[64];
    struct error err;
    unsigned n = 0;
    while (chain[n])
        n++;
    number++;
    for (int i = 0; store[i]; i++) {
        char file[32];
        struct str one = {0};
        (void)snprintf(file, sizeof file, "%d/%c.pem", number, 'a' + i);
        add_pem(&one, store[i]);
        (void)scratch_write(file, 0644, one.data, one.len);
        str_add_n(&small, one.data, one.len);
        str_clear(&one);
    }
    enum verdict verdict = same(name, NULL, &small, chain, n) == 0 ? YES : NO;
    if (expected != EITHER && verdict != expected)
        print_message("# %s: %s\n", name, verdict == YES ? "trusted" : "not trusted");
    assert_true(expected == EITHER || verdict == expected);
    if (bundle.len > 0) {
        str_add_n(&large, bundle.data, bundle.len);
        str_add_n(&large, small.data, small.len);
        (void)same(name, NULL, &large, chain, n);
    }
    (void)snprintf(directory, sizeof directory, "%s/%d", scratch, number);
    assert_true(authorities_read(directory, &found, &err));
    if (expected != EITHER) /* that depends on the order of files in the directory */
        (void)same(name, directory, &found, chain, n);
    str_clear(&small);
    str_clear(&large);
    str_clear(&found);
}

static void plain_chains(void **state)
{
    (void)state;
    gnutls_x509_crt_t root = ROOT("Root", 0), other = ROOT("Other", 1),
                      false_root = ROOT("Root", 4);
    gnutls_x509_crt_t middle = ISSUED("Middle", 1, root, 0), low = ISSUED("Low", 2, middle, 1);
    gnutls_x509_crt_t direct = LEAF("a", 3, root, 0);
    gnutls_x509_crt_t leaf = LEAF("b", 3, middle, 1);
    gnutls_x509_crt_t far = LEAF("c", 3, low, 2);
    gnutls_x509_crt_t self = ROOT("d", 3, .leaf = true);
    gnutls_x509_crt_t elsewhere = LEAF("e", 3, root, 0, .host = "other.example");
    judge("from the root", YES, LIST(direct), LIST(root));
    judge("root presented", YES, LIST(direct, root), LIST(root));
    judge("intermediate", YES, LIST(leaf, middle), LIST(root));
    judge("intermediate, root presented", YES, LIST(leaf, middle, root), LIST(root));
    judge("another root", NO, LIST(leaf, middle, root), LIST(other));
    judge("a root of the same name", NO, LIST(leaf, middle), LIST(false_root));
    judge("missing intermediate", NO, LIST(leaf), LIST(root));
    judge("missing intermediate, which is trusted", YES, LIST(leaf), LIST(root, middle));
    judge("intermediate alone is trusted", YES, LIST(leaf, middle), LIST(middle));
    judge("upper of two missing", NO, LIST(far, low), LIST(root));
    judge("unsorted", YES, LIST(far, root, middle, low), LIST(root));
    judge("unsorted, without the root", YES, LIST(far, middle, low), LIST(root));
    judge("with strangers", YES, LIST(leaf, other, middle), LIST(root));
    judge("the same one twice", YES, LIST(leaf, middle, middle), LIST(root, root));
    judge("leaf is the anchor", YES, LIST(leaf), LIST(leaf));
    judge("leaf is the anchor, chain presented", EITHER, LIST(leaf, middle, root),
          LIST(other, leaf));
    judge("self-signed", NO, LIST(self), LIST(root));
    judge("self-signed and trusted", YES, LIST(self), LIST(root, self));
    judge("for another host", NO, LIST(elsewhere), LIST(root));
}

static void crossed_chains(void **state)
{
    (void)state;
    gnutls_x509_crt_t old = ROOT("Old", 0), expired = ROOT("Old", 0, .until = -1);
    gnutls_x509_crt_t new = ROOT("New", 1), crossed = ISSUED("New", 1, old, 0);
    gnutls_x509_crt_t stale = ISSUED("New", 1, old, 0, .until = -1);
    gnutls_x509_crt_t middle = ISSUED("Middle", 2, new, 1);
    gnutls_x509_crt_t leaf = LEAF("a", 3, middle, 2);
    static const struct {
        const char *name;
        enum verdict verdict[5];
    } rows[] = {
        /* store: old, new, both, expired old, expired old and new */
        {"crossed", {YES, YES, YES, NO, YES}},
        {"crossed, old root presented", {YES, YES, YES, NO, YES}},
        {"crossed, expired", {NO, YES, YES, NO, YES}},
        {"not crossed", {NO, YES, YES, NO, YES}},
        {"not crossed, new root presented", {NO, YES, YES, NO, YES}},
    };
    gnutls_x509_crt_t *chains[] = {
        LIST(leaf, middle, crossed), LIST(leaf, middle, crossed, old), LIST(leaf, middle, stale),
        LIST(leaf, middle),          LIST(leaf, middle, new),
    };
    gnutls_x509_crt_t *stores[] = {LIST(old), LIST(new), LIST(old, new), LIST(expired),
                                   LIST(expired, new)};
    for (size_t i = 0; i < 5; i++)
        for (size_t k = 0; k < 5; k++)
            judge(rows[i].name, rows[i].verdict[k], chains[i], stores[k]);
}

static void times(void **state)
{
    (void)state;
    gnutls_x509_crt_t root = ROOT("Root", 0), expired = ROOT("Root", 0, .until = -1);
    gnutls_x509_crt_t early = ROOT("Root", 0, .from = 1);
    gnutls_x509_crt_t middle = ISSUED("Middle", 1, root, 0);
    gnutls_x509_crt_t stale = ISSUED("Middle", 1, root, 0, .until = -1);
    gnutls_x509_crt_t leaf = LEAF("a", 2, middle, 1);
    gnutls_x509_crt_t late = LEAF("b", 2, middle, 1, .until = -1);
    judge("expired leaf", NO, LIST(late, middle), LIST(root));
    judge("expired intermediate", NO, LIST(leaf, stale), LIST(root));
    judge("expired intermediate, a renewed one is trusted", YES, LIST(leaf, stale),
          LIST(root, middle));
    judge("expired root", NO, LIST(leaf, middle), LIST(expired));
    judge("root of tomorrow", NO, LIST(leaf, middle), LIST(early));
    judge("renewed root", YES, LIST(leaf, middle), LIST(expired, root));
    judge("renewed root, in the other order", YES, LIST(leaf, middle), LIST(root, expired));
    judge("renewed root, the old one presented", YES, LIST(leaf, middle, expired), LIST(root));
    judge("the renewed root presented", NO, LIST(leaf, middle, root), LIST(expired));
}

static void names(void **state)
{
    (void)state;
    for (int bare = 0; bare < 2; bare++) {
        gnutls_x509_crt_t one = ROOT("Root", 0, .no_identifiers = bare);
        gnutls_x509_crt_t two = ROOT("Root", 1, .no_identifiers = bare);
        gnutls_x509_crt_t leaf = LEAF("a", 2, one, 0, .no_identifiers = bare);
        judge("duplicate subject", EITHER, LIST(leaf), LIST(one, two));
        judge("duplicate subject, in the other order", EITHER, LIST(leaf), LIST(two, one));
        judge("duplicate subject, the wrong one", NO, LIST(leaf), LIST(two));
    }
    gnutls_x509_crt_t printable = ROOT("Types", 0), utf8 = ROOT("Types", 0, .utf8 = true);
    gnutls_x509_crt_t a = LEAF("a", 2, printable, 0);
    gnutls_x509_crt_t b = LEAF("b", 2, utf8, 0);
    judge("string types, as issued", YES, LIST(a), LIST(printable));
    judge("string types, both", YES, LIST(b), LIST(printable, utf8));
    judge("string types, the other one", NO, LIST(a), LIST(utf8));
    judge("string types, the other one presented", NO, LIST(b, utf8), LIST(printable));
    gnutls_x509_crt_t nameless = ROOT("", 0, .no_name = true);
    gnutls_x509_crt_t child = LEAF("c", 2, nameless, 0);
    gnutls_x509_crt_t quiet = LEAF("", 2, printable, 0, .no_name = true);
    judge("authority without a name", YES, LIST(child), LIST(nameless));
    judge("leaf without a name", YES, LIST(quiet), LIST(printable));
}

static void constraints(void **state)
{
    (void)state;
    gnutls_x509_crt_t root = ROOT("Root", 0), plain = ROOT("Plain", 0, .no_signing = true);
    gnutls_x509_crt_t ours = ROOT("Root", 0, .permitted = "mail.example");
    gnutls_x509_crt_t theirs = ROOT("Root", 0, .permitted = "other.example");
    gnutls_x509_crt_t middle = ISSUED("Middle", 1, root, 0);
    gnutls_x509_crt_t narrow = ISSUED("Middle", 1, root, 0, .permitted = "other.example");
    gnutls_x509_crt_t clients = ISSUED("Middle", 1, root, 0, .purpose = GNUTLS_KP_TLS_WWW_CLIENT);
    gnutls_x509_crt_t leaf = LEAF("a", 2, middle, 1);
    judge("names permitted by the root", YES, LIST(leaf, middle), LIST(ours));
    judge("names not permitted by the root", NO, LIST(leaf, middle), LIST(theirs));
    judge("one root of two permits", YES, LIST(leaf, middle), LIST(ours, root));
    judge("names not permitted by the intermediate", NO, LIST(leaf, narrow), LIST(root));
    judge("intermediate for clients", NO, LIST(leaf, clients), LIST(root));
    gnutls_x509_crt_t client = LEAF("b", 2, middle, 1, .purpose = GNUTLS_KP_TLS_WWW_CLIENT);
    judge("leaf for clients", NO, LIST(client, middle), LIST(root));
    gnutls_x509_crt_t signer = LEAF("c", 3, middle, 1);
    gnutls_x509_crt_t below = LEAF("d", 2, signer, 3);
    judge("signed by a leaf", NO, LIST(below, signer, middle), LIST(root));
    judge("signed by a leaf that is trusted", NO, LIST(below), LIST(signer));
    gnutls_x509_crt_t e = LEAF("e", 2, plain, 0);
    judge("an authority that may not sign", NO, LIST(e), LIST(plain));
    gnutls_x509_crt_t brief = ISSUED("Brief", 3, root, 0, .path_length = 1);
    gnutls_x509_crt_t lower = ISSUED("Lower", 1, brief, 3);
    gnutls_x509_crt_t f = LEAF("f", 2, lower, 1);
    judge("longer than the path may be", NO, LIST(f, lower, brief), LIST(root));
}

static void signatures(void **state)
{
    (void)state;
    gnutls_x509_crt_t root = ROOT("Root", 0), old = ROOT("Root", 0, .digest = GNUTLS_DIG_SHA1);
    gnutls_x509_crt_t middle = ISSUED("Middle", 1, root, 0);
    gnutls_x509_crt_t weak = ISSUED("Middle", 1, root, 0, .digest = GNUTLS_DIG_SHA1);
    gnutls_x509_crt_t leaf = LEAF("a", 2, middle, 1);
    gnutls_x509_crt_t bad = LEAF("b", 2, middle, 1, .digest = GNUTLS_DIG_SHA1);
    gnutls_x509_crt_t forged = LEAF("c", 2, root, 3);
    judge("root signed with SHA-1", YES, LIST(leaf, middle), LIST(old));
    judge("root signed with SHA-1, presented", YES, LIST(leaf, middle, old), LIST(old));
    judge("intermediate signed with SHA-1", NO, LIST(leaf, weak), LIST(root));
    judge("intermediate signed with SHA-1 is trusted", YES, LIST(leaf, weak), LIST(weak));
    judge("leaf signed with SHA-1", NO, LIST(bad, middle), LIST(root));
    judge("leaf signed with another key", NO, LIST(forged), LIST(root));
}

static void deep_chains(void **state)
{
    (void)state;
    gnutls_x509_crt_t root = ROOT("Level 0", 0), chain[DEEP + 1] = {NULL}, above = root;
    char name[16];
    for (int i = 1; i < DEEP; i++) {
        (void)snprintf(name, sizeof name, "Level %d", i);
        above = chain[DEEP - i] = ISSUED(name, i % 3, above, (i - 1) % 3);
    }
    chain[0] = LEAF("a", 3, above, (DEEP - 1) % 3);
    judge("13 deep", YES, chain, LIST(root));
    judge("13 deep, the middle is trusted", EITHER, chain, LIST(chain[6]));
    chain[5] = ISSUED("Level 8", 2, root, 0);
    judge("13 deep, another one in the middle", NO, chain, LIST(chain[9]));
}

/* What GnuTLS would refuse as a whole is read as far as it is good. */
static void stores(void **state)
{
    (void)state;
    static const struct {
        const char *name, *before, *after;
    } rows[] = {
        {"text around", "# CN=Root\nsubject: x\n", "\ntrailer"},
        {"another object", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", ""},
        {"no base64", "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n", ""},
        {"no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", ""},
        {"cut off", "", "-----BEGIN CERTIFICATE-----\nMIIB"},
        {"a marker cut off", "", "-----BEGIN CERTIFICATE----"},
    };
    gnutls_x509_crt_t root = ROOT("Root", 0), leaf = LEAF("a", 1, root, 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str pem = {0};
        str_add(&pem, rows[i].before);
        add_pem(&pem, root);
        str_add(&pem, rows[i].after);
        gnutls_x509_trust_list_t list = part_of(&pem, LIST(leaf), 1);
        print_message("# %s\n", rows[i].name);
        assert_int_equal(count(list), 1);
        assert_int_equal(decide(list, LIST(leaf), 1), 0);
        gnutls_x509_trust_list_deinit(list, 1);
        str_clear(&pem);
    }
    static const char *const none[] = {"", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n"};
    for (size_t i = 0; i < 2; i++) {
        struct str pem = {0};
        struct error err;
        const char *path = scratch_write("none.pem", 0644, none[i], strlen(none[i]));
        assert_false(authorities_read(path, &pem, &err));
        assert_int_equal(err.code, EX_NOINPUT);
        assert_non_null(strstr(err.text, "no certificate authority found in /tmp/"));
        str_clear(&pem);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_chains), cmocka_unit_test(crossed_chains),
        cmocka_unit_test(times),        cmocka_unit_test(names),
        cmocka_unit_test(constraints),  cmocka_unit_test(signatures),
        cmocka_unit_test(deep_chains),  cmocka_unit_test(stores),
    };
    return cmocka_run_group_tests_name("trust", tests, begin, end);
}
