/* What tls.c needs of a TLS server; for the files of the module only. */
#ifndef TLSSERVERSTATE_H
#define TLSSERVERSTATE_H

#include <gnutls/gnutls.h>

#include "net/tlsserver.h"

struct tlsserver {
    gnutls_certificate_credentials_t credentials;
    bool asks;
};

#endif
