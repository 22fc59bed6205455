#include "config.h"
#include "net/tlsserver.h"

#include <gnutls/gnutls.h>
#include <stdlib.h>

#include "base/memory.h"
#include "net/tlsserverstate.h"

static bool fails(int status, const char *what, const char *file, struct error *err)
{
    if (status >= 0)
        return false;
    (void)error_config(err, "cannot load %s %s", what, file);
    return !error_add(err, ": ", "%s", gnutls_strerror(status));
}

struct tlsserver *tlsserver_load(const struct tlsserver_params *params, struct error *err)
{
    struct tlsserver *server = memory_new(sizeof *server);
    server->asks = params->asks;
    if (fails(gnutls_certificate_allocate_credentials(&server->credentials), "TLS", "", err) ||
        fails(gnutls_certificate_set_x509_key_file2(server->credentials, params->cert_file,
                                                    params->key_file, GNUTLS_X509_FMT_PEM, NULL, 0),
              "tls_cert_file", params->cert_file, err) ||
        (*params->client_ca &&
         fails(gnutls_certificate_set_x509_trust_file(server->credentials, params->client_ca,
                                                      GNUTLS_X509_FMT_PEM),
               "tls_client_ca_file", params->client_ca, err)) ||
        fails(gnutls_certificate_set_known_dh_params(server->credentials, GNUTLS_SEC_PARAM_MEDIUM),
              "TLS", "", err)) {
        tlsserver_free(server);
        return NULL;
    }
    return server;
}

void tlsserver_free(struct tlsserver *server)
{
    if (server && server->credentials)
        gnutls_certificate_free_credentials(server->credentials);
    free(server);
}
