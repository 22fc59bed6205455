#include "config.h"
#include "net/trust.h"

#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fileread.h"
#include "base/hex.h"
#include "base/memory.h"
#include "base/translation.h"
#include "net/authorities.h"
#include "net/dane.h"

enum { NAMES_MAX = 8, NAME_SIZE = 256 };

/* By FORMAT, which has one %s. */
static bool unreadable(struct error *err, const char *format, const char *file, int status)
{
    (void)error_set(err, ERROR_ACCOUNT, ERROR_PERMANENT, EX_NOINPUT, format, file);
    return error_add(err, ": ", "%s", gnutls_strerror(status));
}

/* The client's, without what may follow in a PKCS#11 URI: a PIN. */
static bool unreadable_pair(struct error *err, const struct tls_params *params, int status)
{
    (void)error_set(err, ERROR_ACCOUNT, ERROR_PERMANENT, EX_NOINPUT,
                    "cannot load the client certificate %.*s with the key %.*s",
                    (int)strcspn(params->cert_file, "?"), params->cert_file,
                    (int)strcspn(params->key_file, "?"), params->key_file);
    return error_add(err, ": ", "%s", gnutls_strerror(status));
}

static bool no_memory(struct error *err, int status)
{
    return error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_SOFTWARE, "TLS: %s",
                     gnutls_strerror(status));
}

static int give_pin(void *context, int attempt, const char *url, const char *label, unsigned flags,
                    char *pin, size_t max)
{
    const char *ours = context;
    (void)url, (void)label, (void)flags;
    if (attempt > 0 || !*ours || strlen(ours) >= max)
        return -1;
    memcpy(pin, ours, strlen(ours) + 1);
    return 0;
}

/* Reads the LEN octets of TEXT. */
static bool read_fingerprint(struct fingerprint *print, const char *text, size_t len)
{
    const char *c = text, *end = text + len;
    *print = (struct fingerprint){.of_key = len > 5 && strncasecmp(text, "spki:", 5) == 0};
    for (c += print->of_key ? 5 : 0; c < end; c++) {
        if (*c == ':' || *c == ' ')
            continue;
        int high = hex_value_of_any(c[0]);
        int low = high < 0 || c + 1 == end ? -1 : hex_value_of_any(c[1]);
        if (low < 0 || print->len == TRUST_HASH_MAX)
            return false;
        print->octets[print->len++] = (unsigned char)(high * 16 + low);
        c++;
    }
    return print->len == 32 || (print->len == 20 && !print->of_key);
}

/* A list with commas between. */
static bool read_fingerprints(struct trust *trust, const char *text, struct error *err)
{
    while (*text) {
        text += strspn(text, " ,");
        size_t len = strcspn(text, ",");
        if (len == 0)
            break;
        if (trust->fingerprints == TRUST_FINGERPRINTS_MAX)
            return error_config(err, "tls_fingerprint: more than %d fingerprints",
                                (int)TRUST_FINGERPRINTS_MAX);
        if (!read_fingerprint(&trust->fingerprint[trust->fingerprints], text, len))
            return error_config(err,
                                "tls_fingerprint: '%.*s' is neither a SHA-256 (32 octets in hex) "
                                "nor a SHA-1 (20) fingerprint",
                                (int)len, text);
        trust->fingerprints++;
        text += len;
    }
    return true;
}

/* The file that GnuTLS takes for the system's trust, as configure found it in the library: "" where
 * it is not one file, and where the file is missing. */
static const char *system_store(void)
{
    return access(SYSTEM_TRUST_FILE, R_OK) == 0 ? SYSTEM_TRUST_FILE : "";
}

/* Files are read now and imported when the chain is known; what only GnuTLS can read, it loads. */
static bool load_authorities(struct trust *trust, const char *store, struct error *err)
{
    bool system = strcmp(store, "system") == 0;
    const char *file = system ? system_store() : store;
    if (*file && strncmp(file, "pkcs11:", 7) != 0)
        return authorities_read(file, &trust->store, err);
    int n = system ? gnutls_x509_trust_list_add_system_trust(trust->list, 0, 0)
                   : gnutls_x509_trust_list_add_trust_file(trust->list, file, NULL,
                                                           GNUTLS_X509_FMT_PEM, 0, 0);
    if (n == 0 && system)
        return error_set(err, ERROR_ACCOUNT, ERROR_PERMANENT, EX_NOINPUT,
                         "the system has no certificate authority");
    if (n == 0)
        return error_set(err, ERROR_ACCOUNT, ERROR_PERMANENT, EX_NOINPUT,
                         "no certificate authority found in %s", file);
    return n > 0 || unreadable(err, N_("cannot load tls_trust_file %s"), store, n);
}

static bool load_list(struct trust *trust, const struct tls_params *params, struct error *err)
{
    if (!*params->trust_file)
        return error_config(err, "TLS needs tls_trust_file or tls_fingerprint, or tls_certcheck "
                                 "turned off");
    int status = gnutls_x509_trust_list_init(&trust->list, 0);
    if (status < 0)
        return no_memory(err, status);
    gnutls_certificate_set_trust_list(trust->credentials, trust->list, 0); /* it owns the list */
    if (!load_authorities(trust, params->trust_file, err))
        return false;
    if (!*params->crl_file)
        return true;
    int n = gnutls_certificate_set_x509_crl_file(trust->credentials, params->crl_file,
                                                 GNUTLS_X509_FMT_PEM);
    return n > 0 || unreadable(err, N_("cannot load the revocation list %s"), params->crl_file,
                               n < 0 ? n : GNUTLS_E_NO_CERTIFICATE_FOUND);
}

bool trust_load(struct trust *trust, const struct tls_params *params, struct error *err)
{
    int status = gnutls_certificate_allocate_credentials(&trust->credentials);
    if (status < 0)
        return no_memory(err, status);
    trust->host = memory_copy(params->host);
    trust->pin = memory_copy(params->pin);
    gnutls_certificate_set_pin_function(trust->credentials, give_pin, trust->pin);
    if (*params->key_file) {
        status = gnutls_certificate_set_x509_key_file2(trust->credentials, params->cert_file,
                                                       params->key_file, GNUTLS_X509_FMT_PEM,
                                                       *trust->pin ? trust->pin : NULL, 0);
        if (status < 0)
            return unreadable_pair(err, params, status);
    }
    if (!params->check)
        return true;
    trust->tlsa = params->tlsa;
    if (trust->tlsa)
        return true;
    if (*params->fingerprint)
        return read_fingerprints(trust, params->fingerprint, err);
    return load_list(trust, params, err);
}

/* Reads the peer's own certificate; NULL if there is none. */
static gnutls_x509_crt_t peer_certificate(gnutls_session_t session)
{
    unsigned n = 0;
    gnutls_x509_crt_t cert;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &n);
    if (!chain || n == 0 || gnutls_x509_crt_init(&cert) < 0)
        return NULL;
    if (gnutls_x509_crt_import(cert, &chain[0], GNUTLS_X509_FMT_DER) == 0)
        return cert;
    gnutls_x509_crt_deinit(cert);
    return NULL;
}

/* Hashes the certificate, or its public key. False where it can't be done. */
static bool hash(gnutls_x509_crt_t cert, bool key, gnutls_digest_algorithm_t algorithm,
                 unsigned char out[TRUST_HASH_MAX])
{
    size_t len = TRUST_HASH_MAX;
    if (key)
        return gnutls_x509_crt_get_key_id(cert, GNUTLS_KEYID_USE_SHA256, out, &len) == 0;
    return gnutls_x509_crt_get_fingerprint(cert, algorithm, out, &len) == 0;
}

static bool fits(gnutls_x509_crt_t cert, const struct fingerprint *print)
{
    unsigned char is[TRUST_HASH_MAX];
    return hash(cert, print->of_key, print->len == 20 ? GNUTLS_DIG_SHA1 : GNUTLS_DIG_SHA256, is) &&
           memcmp(is, print->octets, print->len) == 0;
}

static int check_fingerprints(gnutls_session_t session)
{
    struct trust *trust = gnutls_session_get_ptr(session);
    gnutls_x509_crt_t cert = peer_certificate(session);
    bool found = false;
    for (size_t i = 0; cert && i < trust->fingerprints; i++)
        found = found || fits(cert, &trust->fingerprint[i]);
    if (cert)
        gnutls_x509_crt_deinit(cert);
    trust->refused = !found;
    return found ? 0 : GNUTLS_E_CERTIFICATE_ERROR;
}

static int check_records(gnutls_session_t session)
{
    struct trust *trust = gnutls_session_get_ptr(session);
    unsigned n = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &n);
    trust->refused = !chain || !dane_fits(trust->tlsa, chain, n, trust->host, &trust->status);
    return trust->refused ? GNUTLS_E_CERTIFICATE_ERROR : 0;
}

static int check_chain(gnutls_session_t session)
{
    struct trust *trust = gnutls_session_get_ptr(session);
    gnutls_typed_vdata_st demand[] = {
        {.type = GNUTLS_DT_DNS_HOSTNAME, .data = (unsigned char *)trust->host},
        {.type = GNUTLS_DT_KEY_PURPOSE_OID, .data = (unsigned char *)GNUTLS_KP_TLS_WWW_SERVER}};
    unsigned n = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &n);
    authorities_add(trust->list, &trust->store, chain, n);
    str_clear(&trust->store);
    if (gnutls_certificate_verify_peers(session, demand, 2, &trust->status) < 0)
        return GNUTLS_E_CERTIFICATE_ERROR;
    trust->refused = trust->status != 0;
    return trust->refused ? GNUTLS_E_CERTIFICATE_ERROR : 0;
}

void trust_demand(struct trust *trust, gnutls_session_t session, const struct tls_params *params)
{
    if (!params->check)
        return;
    gnutls_session_set_ptr(session, trust);
    gnutls_session_set_verify_function(session, trust->tlsa               ? check_records
                                                : trust->fingerprints > 0 ? check_fingerprints
                                                                          : check_chain);
}

static void add_hex(struct str *out, const unsigned char *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        str_addf(out, "%s%02X", i ? ":" : "", data[i]);
}

static void add_fingerprint(gnutls_x509_crt_t cert, bool key, struct str *out)
{
    unsigned char digest[TRUST_HASH_MAX];
    if (hash(cert, key, GNUTLS_DIG_SHA256, digest))
        add_hex(out, digest, sizeof digest);
}

static void add_time(struct str *out, time_t when)
{
    char text[32];
    struct tm tm;
    if (!gmtime_r(&when, &tm) || strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &tm) == 0)
        return;
    str_add(out, text);
}

/* The names a certificate is for: alternative ones (RFC 6125), of clients addresses, too, else the
 * common name; there may be none. */
static void add_names(gnutls_x509_crt_t cert, bool of_client, struct strlist *out)
{
    char name[NAME_SIZE];
    for (unsigned i = 0; i < NAMES_MAX; i++) {
        size_t len = sizeof name - 1;
        int kind = gnutls_x509_crt_get_subject_alt_name(cert, i, name, &len, NULL);
        if (kind == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
            break;
        bool wanted = kind == GNUTLS_SAN_DNSNAME || (of_client && kind == GNUTLS_SAN_RFC822NAME);
        if (wanted && len < sizeof name && !memchr(name, '\0', len))
            strlist_take(out, memory_copy_n(name, len));
    }
    size_t len = sizeof name;
    if (out->n == 0 &&
        gnutls_x509_crt_get_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &len) == 0 &&
        strlen(name) == len)
        strlist_add(out, name);
}

/* What is written before the next reason. */
static const char *separator(const struct error *err)
{
    return strchr(err->text, ':') ? "; " : ": ";
}

static void add_untrusted(gnutls_x509_crt_t cert, struct error *err)
{
    struct str print = {0};
    char issuer[NAME_SIZE];
    size_t len = sizeof issuer;
    add_fingerprint(cert, false, &print);
    if (gnutls_x509_crt_check_issuer(cert, cert))
        error_add(err, separator(err), "it is self-signed");
    else if (gnutls_x509_crt_get_issuer_dn(cert, issuer, &len) == 0)
        error_add(err, separator(err), "it is issued by %s, who is not trusted", issuer);
    else
        error_add(err, separator(err), "it has an unknown issuer");
    error_add(err, "; ", "`tls_fingerprint = %s` would accept it", str_text(&print));
    str_clear(&print);
}

static void add_dates(unsigned status, gnutls_x509_crt_t cert, struct error *err)
{
    struct str when = {0}, clock = {0};
    time_t now = (time_t)clock_wall(), end = gnutls_x509_crt_get_expiration_time(cert);
    add_time(&clock, now);
    if ((status & GNUTLS_CERT_EXPIRED) && end <= now) {
        add_time(&when, end);
        error_add(err, separator(err), "it expired on %s (this machine's clock says %s)",
                  str_text(&when), str_text(&clock));
    } else if (status & GNUTLS_CERT_EXPIRED) {
        error_add(err, separator(err), "its issuer has expired");
    }
    if (status & GNUTLS_CERT_NOT_ACTIVATED) {
        str_truncate(&when, 0);
        add_time(&when, gnutls_x509_crt_get_activation_time(cert));
        error_add(err, separator(err), "it is not valid before %s (this machine's clock says %s)",
                  str_text(&when), str_text(&clock));
    }
    str_clear(&when);
    str_clear(&clock);
}

static void add_reasons(const struct trust *trust, gnutls_x509_crt_t cert, struct error *err)
{
    unsigned status = trust->status;
    if (status & GNUTLS_CERT_REVOKED)
        error_add(err, separator(err), "it is revoked");
    if (status & (GNUTLS_CERT_MISSING_OCSP_STATUS | GNUTLS_CERT_INVALID_OCSP_STATUS))
        error_add(err, separator(err),
                  "it requires an OCSP reply, and the server sends no valid one");
    add_dates(status, cert, err);
    if (status & GNUTLS_CERT_UNEXPECTED_OWNER) {
        struct strlist list = {0};
        struct str names = {0};
        add_names(cert, false, &list);
        for (size_t i = 0; i < list.n; i++)
            str_addf(&names, "%s%s", i > 0 ? ", " : "", list.item[i]);
        if (names.len)
            error_add(err, separator(err), "it is for %s, not %s", names.data, trust->host);
        else
            error_add(err, separator(err), "it is for nobody, not %s", trust->host);
        str_clear(&names);
        strlist_clear(&list);
    }
    if (status & GNUTLS_CERT_PURPOSE_MISMATCH)
        error_add(err, separator(err), "it is not for servers");
    if (status & GNUTLS_CERT_INSECURE_ALGORITHM)
        error_add(err, separator(err), "it is signed with an insecure algorithm");
    if (status & (GNUTLS_CERT_SIGNER_NOT_FOUND | GNUTLS_CERT_SIGNER_NOT_CA))
        add_untrusted(cert, err);
}

static void add_library_reason(const struct trust *trust, struct error *err)
{
    gnutls_datum_t text = {NULL, 0};
    if (gnutls_certificate_verification_status_print(trust->status, GNUTLS_CRT_X509, &text, 0) == 0)
        error_add(err, separator(err), "%s", (const char *)text.data);
    gnutls_free(text.data);
}

bool trust_explain(const struct trust *trust, gnutls_session_t session, struct error *err)
{
    gnutls_x509_crt_t cert = peer_certificate(session);
    if (!cert)
        return error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_UNAVAILABLE,
                         "the server's certificate is missing");
    (void)error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_UNAVAILABLE,
                    "the server's certificate is not accepted");
    if (trust->fingerprints > 0) {
        struct str print = {0};
        add_fingerprint(cert, trust->fingerprint[0].of_key, &print);
        error_add(err, ": ", "it has another fingerprint than tls_fingerprint: %s",
                  str_text(&print));
        str_clear(&print);
    } else if (trust->tlsa && trust->status == 0) {
        error_add(err, ": ", "it fits no TLSA record of %s", trust->host);
    } else {
        add_reasons(trust, cert, err);
    }
    if (!strchr(err->text, ':'))
        add_library_reason(trust, err);
    gnutls_x509_crt_deinit(cert);
    return false;
}

void trust_describe(gnutls_session_t session, struct str *out)
{
    gnutls_x509_crt_t cert = peer_certificate(session);
    if (!cert)
        return;
    gnutls_datum_t dn = {NULL, 0};
    if (gnutls_x509_crt_get_dn3(cert, &dn, 0) == 0)
        str_addf(out, "subject = %s\n", (const char *)dn.data);
    gnutls_free(dn.data);
    dn = (gnutls_datum_t){NULL, 0};
    if (gnutls_x509_crt_get_issuer_dn3(cert, &dn, 0) == 0)
        str_addf(out, "issuer = %s\n", (const char *)dn.data);
    gnutls_free(dn.data);
    str_add(out, "valid from = ");
    add_time(out, gnutls_x509_crt_get_activation_time(cert));
    str_add(out, "\nvalid until = ");
    add_time(out, gnutls_x509_crt_get_expiration_time(cert));
    str_add(out, "\nsha256 = ");
    add_fingerprint(cert, false, out);
    str_add(out, "\nspki sha256 = ");
    add_fingerprint(cert, true, out);
    str_add(out, "\n");
    gnutls_x509_crt_deinit(cert);
}

void trust_identify(gnutls_session_t session, struct tlsserver_peer *peer)
{
    gnutls_typed_vdata_st demand = {.type = GNUTLS_DT_KEY_PURPOSE_OID,
                                    .data = (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT};
    unsigned char digest[TRUST_HASH_MAX];
    unsigned status = 0;
    gnutls_x509_crt_t cert = peer_certificate(session);
    if (!cert)
        return;
    if (gnutls_certificate_verify_peers(session, &demand, 1, &status) == 0 && status == 0)
        add_names(cert, true, &peer->names);
    if (hash(cert, true, GNUTLS_DIG_SHA256, digest))
        for (size_t i = 0; i < sizeof digest; i++)
            (void)snprintf(peer->key + 2 * i, 3, "%02x", digest[i]);
    gnutls_x509_crt_deinit(cert);
}

void trust_clear(struct trust *trust)
{
    if (trust->credentials)
        gnutls_certificate_free_credentials(trust->credentials);
    if (trust->pin)
        explicit_bzero(trust->pin, strlen(trust->pin));
    free(trust->pin);
    free(trust->host);
    str_clear(&trust->store);
    memset(trust, 0, sizeof *trust);
}

bool tls_certificates_end(const char *file, bool authorities, int64_t *end, struct error *err)
{
    enum { STORE_MAX = 4 * 1024 * 1024 }; /* octets */
    struct str text = {0};
    gnutls_x509_crt_t *list = NULL;
    unsigned n = 0;
    if (!fileread_all(file, STORE_MAX, &text, NULL, err)) {
        str_clear(&text);
        return false;
    }
    gnutls_datum_t data = {(unsigned char *)text.data, (unsigned)text.len};
    int status = gnutls_x509_crt_list_import2(&list, &n, &data, GNUTLS_X509_FMT_PEM, 0);
    for (unsigned i = 0; status >= 0 && i < n; i++) {
        int64_t when = (int64_t)gnutls_x509_crt_get_expiration_time(list[i]);
        if (i == 0 || (authorities ? when > *end : when < *end))
            *end = when;
        gnutls_x509_crt_deinit(list[i]);
    }
    gnutls_free(list);
    str_clear(&text);
    return status >= 0 || unreadable(err, N_("no certificate in %s"), file, status);
}
