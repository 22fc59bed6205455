#include "config.h"
#include "base/module.h"

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
};
