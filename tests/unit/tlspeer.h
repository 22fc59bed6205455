/* A TLS server in a thread, with certificates of every kind, for tests of the client. */
#ifndef TLSPEER_H
#define TLSPEER_H

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <pthread.h>
#include <stdbool.h>

#include "base/str.h"
#include "net/stream.h"
#include "net/tls.h"

struct authority {
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t cert;
    char file[40]; /* its certificate in PEM */
};

struct wish {
    const char *name; /* of the host it is for */
    int from, until;  /* days from now */
    const char *purpose;
    bool self_signed;
};

/* Shakes hands, then talks until the end. */
struct server {
    void (*talk)(gnutls_session_t session); /* set by the test */
    unsigned warnings; /* alerts unrecognized_name in front of its flight, and in one write with it */
    struct str out;    /* then: what is to be written */
    int fd;
    const char *priorities;
    gnutls_certificate_credentials_t credentials;
    gnutls_x509_crt_t cert;
    pthread_t thread;
};

/* A client's: it checks the certificate of mx.mail.example. The authority's file is missing. */
extern const struct tls_params tlspeer_params;

/* Set-up and tear-down of a group of tests: *STATE is an authority. */
int make_authority(void **state);
int drop_authority(void **state);

/* Starts it with a certificate as wished for. Returns the client's end, to be closed by the caller. */
struct stream *start_server(struct server *server, const struct authority *ca,
                            const struct wish *wish, const char *priorities);

void stop_server(struct server *server); /* after the client's end was closed */

#endif
