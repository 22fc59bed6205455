#include "config.h"
#include "net/authorities.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "base/base64.h"
#include "base/fileread.h"
#include "base/memory.h"

enum { STORE_MAX = 64 * 1024 * 1024, HEAD = 640 /* octets of base64 that hold most names */ };

/* Distinguished names in DER, of somebody else's memory. */
struct names {
    gnutls_datum_t *name;
    size_t n;
};

/* The next certificate of a PEM text (RFC 7468): TEXT up to the end marker is base64. */
struct block {
    const char *text;
    size_t len;
};

/* Finds the first certificate at or after *AT, and moves *AT behind it. */
static bool next_block(const char **at, const char *end, struct block *out)
{
    static const char begin[] = "-----BEGIN ", dashes[] = "-----";
    static const char *const labels[] = {"CERTIFICATE-----", "X509 CERTIFICATE-----"};
    for (;;) {
        const char *label = memmem(*at, (size_t)(end - *at), begin, sizeof begin - 1);
        if (!label)
            return false;
        *at = label += sizeof begin - 1;
        for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
            size_t len = strlen(labels[i]);
            if ((size_t)(end - label) < len || memcmp(label, labels[i], len) != 0)
                continue;
            out->text = label + len;
            const char *stop = memmem(out->text, (size_t)(end - out->text), dashes, 5);
            out->len = (size_t)((stop ? stop : end) - out->text);
            *at = out->text + out->len;
            return true;
        }
    }
}

static void read_directory(const char *path, struct str *pem)
{
    struct dirent **entries;
    int n = scandir(path, &entries, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        struct str file = {0};
        struct error passed_over;
        str_addf(&file, "%s/%s", path, entries[i]->d_name);
        if (pem->len < STORE_MAX)
            (void)fileread_all(file.data, STORE_MAX - pem->len, pem, NULL, &passed_over);
        str_add_char(pem, '\n');
        str_clear(&file);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
}

bool authorities_read(const char *store, struct str *pem, struct error *err)
{
    struct stat facts;
    struct block block;
    if (stat(store, &facts) == 0 && S_ISDIR(facts.st_mode)) {
        read_directory(store, pem);
    } else if (!fileread_all(store, STORE_MAX, pem, NULL, err)) {
        err->code = EX_NOINPUT;
        return error_prefix(err, "tls_trust_file: cannot load it");
    }
    const char *at = str_text(pem);
    if (next_block(&at, at + pem->len, &block))
        return true;
    return error_set(err, ERROR_ACCOUNT, ERROR_PERMANENT, EX_NOINPUT,
                     "no certificate authority found in %s", store);
}

/* Takes the element of type TAG that IN begins with (X.690, 8.1). One that is to be
 * looked into may be cut off: of that only the head is taken. */
static bool take(gnutls_datum_t *in, unsigned char tag, bool look_into, gnutls_datum_t *element)
{
    unsigned head = 2, len;
    if (in->size < head || in->data[0] != tag)
        return false;
    len = in->data[1];
    if (len & 0x80) {
        unsigned octets = len & 0x7f;
        if (octets < 1 || octets > 3 || in->size < head + octets)
            return false;
        for (len = 0; octets > 0; octets--)
            len = len << 8 | in->data[head++];
    }
    if (!look_into && in->size - head < len)
        return false;
    unsigned size = look_into ? head : head + len;
    *element = (gnutls_datum_t){in->data, size};
    in->data += size;
    in->size -= size;
    return true;
}

bool authorities_names(const gnutls_datum_t *certificate, gnutls_datum_t *issuer,
                       gnutls_datum_t *subject)
{
    enum { DER_INTEGER = 0x02, DER_SEQUENCE = 0x30, DER_VERSION = 0xa0 };
    gnutls_datum_t at = *certificate, skipped;
    if (!take(&at, DER_SEQUENCE, true, &skipped) || !take(&at, DER_SEQUENCE, true, &skipped))
        return false;
    (void)take(&at, DER_VERSION, false, &skipped); /* only since version 2 */
    return take(&at, DER_INTEGER, false, &skipped) && take(&at, DER_SEQUENCE, false, &skipped) &&
           take(&at, DER_SEQUENCE, false, issuer) && take(&at, DER_SEQUENCE, false, &skipped) &&
           take(&at, DER_SEQUENCE, false, subject);
}

static bool contains(const struct names *names, const gnutls_datum_t *name)
{
    for (size_t i = 0; i < names->n; i++)
        if (names->name[i].size == name->size &&
            memcmp(names->name[i].data, name->data, name->size) == 0)
            return true;
    return false;
}

static void add_name(struct names *names, gnutls_datum_t name)
{
    if (contains(names, &name))
        return;
    names->name = memory_resize(names->name, names->n + 1, sizeof *names->name);
    names->name[names->n++] = name;
}

/* The names in CHAIN, which must outlive NAMES. */
static void collect_names(struct names *names, const gnutls_datum_t *chain, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        gnutls_datum_t issuer, subject;
        if (!authorities_names(&chain[i], &issuer, &subject))
            continue;
        add_name(names, issuer);
        add_name(names, subject);
    }
}

/* Decodes BLOCK if its subject is one of NAMES. Mostly the beginning is enough to say no. */
static bool decode_named(const struct block *block, const struct names *names, struct str *der)
{
    const size_t steps[] = {block->len < HEAD ? block->len : HEAD, block->len};
    for (size_t i = 0; i < 2; i++) {
        gnutls_datum_t issuer, subject;
        str_truncate(der, 0);
        bool whole = base64_decode_lines(der, block->text, steps[i]) && steps[i] == block->len;
        const gnutls_datum_t data = {(unsigned char *)der->data, (unsigned)der->len};
        if (authorities_names(&data, &issuer, &subject) && !contains(names, &subject))
            return false;
        if (whole)
            return true;
    }
    return false;
}

/* The list owns what it took. */
static void add_certificate(gnutls_x509_trust_list_t list, const struct str *der)
{
    const gnutls_datum_t data = {(unsigned char *)der->data, (unsigned)der->len};
    gnutls_x509_crt_t cert;
    if (gnutls_x509_crt_init(&cert) < 0)
        return;
    if (gnutls_x509_crt_import(cert, &data, GNUTLS_X509_FMT_DER) < 0 ||
        gnutls_x509_trust_list_add_cas(list, &cert, 1, GNUTLS_TL_NO_DUPLICATES) != 1)
        gnutls_x509_crt_deinit(cert);
}

void authorities_add(gnutls_x509_trust_list_t list, const struct str *pem,
                     const gnutls_datum_t *chain, unsigned n)
{
    struct names names = {0};
    struct str der = {0};
    struct block block;
    const char *at = str_text(pem), *end = at + pem->len;
    collect_names(&names, chain, n);
    while (next_block(&at, end, &block)) {
        if (decode_named(&block, &names, &der))
            add_certificate(list, &der);
    }
    free(names.name);
    str_clear(&der);
}
