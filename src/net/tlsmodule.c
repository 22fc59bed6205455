#include "config.h"
#include "base/module.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <string.h>

#include "net/tls.h"

static bool to_alabels(struct str *out, const char *domain)
{
    gnutls_datum_t labels = {NULL, 0};
    bool ok = gnutls_idna_map(domain, (unsigned)strlen(domain), &labels, 0) == 0;
    if (ok)
        str_add_n(out, labels.data, labels.size);
    gnutls_free(labels.data);
    return ok;
}

static gnutls_datum_t datum_of(const struct str *s)
{
    return (gnutls_datum_t){(unsigned char *)s->data, (unsigned)s->len};
}

static bool salt_password(const struct password_salting *how, struct str *out)
{
    gnutls_datum_t password = datum_of(how->password), salt = datum_of(how->salt);
    gnutls_mac_algorithm_t mac = how->sha256 ? GNUTLS_MAC_SHA256 : GNUTLS_MAC_SHA1;
    size_t len = gnutls_hmac_get_len(mac);
    str_reserve(out, len);
    bool ok = gnutls_pbkdf2(mac, &password, &salt, how->iterations, out->data + out->len, len) == 0;
    out->len += ok ? len : 0;
    return ok;
}

extern const struct module onehop_module;

__attribute__((visibility("default"))) const struct module onehop_module = {
    .version = PACKAGE_VERSION,
    .tls_start = tls_start,
    .tls_describe = tls_describe,
    .tls_channel_binding = tls_channel_binding,
    .tls_accept = tls_accept,
    .tls_peer = tls_peer,
    .tlsserver_load = tlsserver_load,
    .tlsserver_free = tlsserver_free,
    .to_alabels = to_alabels,
    .certificates_end = tls_certificates_end,
    .salt_password = salt_password,
};
