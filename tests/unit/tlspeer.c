#include "suite.h"
#include "tlspeer.h"

#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "net/socket.h"

const struct tls_params tlspeer_params = {.host = "mx.mail.example",
                                          .trust_file = "",
                                          .crl_file = "",
                                          .fingerprint = "",
                                          .key_file = "",
                                          .cert_file = "",
                                          .pin = "",
                                          .priorities = "",
                                          .check = true};

enum { LONG = 20000, DAY = 86400 };

static gnutls_x509_privkey_t make_key(void)
{
    gnutls_x509_privkey_t key;
    assert_int_equal(gnutls_x509_privkey_init(&key), 0);
    assert_int_equal(gnutls_x509_privkey_generate(
                         key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
                     0);
    return key;
}

static gnutls_x509_crt_t make_cert(gnutls_x509_privkey_t key, const struct wish *wish, bool ca,
                                   const struct authority *issuer)
{
    static unsigned char serial = 1;
    gnutls_x509_crt_t cert;
    time_t now = time(NULL);
    assert_int_equal(gnutls_x509_crt_init(&cert), 0);
    assert_int_equal(gnutls_x509_crt_set_version(cert, 3), 0);
    assert_int_equal(gnutls_x509_crt_set_serial(cert, &serial, 1), 0);
    serial++;
    assert_int_equal(gnutls_x509_crt_set_activation_time(cert, now + wish->from * DAY), 0);
    assert_int_equal(gnutls_x509_crt_set_expiration_time(cert, now + wish->until * DAY), 0);
    assert_int_equal(gnutls_x509_crt_set_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME, 0,
                                                   ca ? "Test CA" : wish->name,
                                                   (unsigned)strlen(ca ? "Test CA" : wish->name)),
                     0);
    assert_int_equal(gnutls_x509_crt_set_key(cert, key), 0);
    assert_int_equal(gnutls_x509_crt_set_basic_constraints(cert, ca, -1), 0);
    if (ca)
        assert_int_equal(gnutls_x509_crt_set_key_usage(cert, GNUTLS_KEY_KEY_CERT_SIGN), 0);
    if (!ca) {
        assert_int_equal(gnutls_x509_crt_set_subject_alt_name(cert, GNUTLS_SAN_DNSNAME, wish->name,
                                                              (unsigned)strlen(wish->name),
                                                              GNUTLS_FSAN_SET),
                         0);
        assert_int_equal(gnutls_x509_crt_set_key_purpose_oid(cert, wish->purpose, 0), 0);
    }
    bool self = ca || wish->self_signed;
    assert_int_equal(gnutls_x509_crt_sign2(cert, self ? cert : issuer->cert,
                                           self ? key : issuer->key, GNUTLS_DIG_SHA256, 0),
                     0);
    return cert;
}

int make_authority(void **state)
{
    const struct wish wish = {"", -30, 30, NULL, true};
    struct authority *ca = memory_new(sizeof *ca);
    gnutls_datum_t pem;
    ca->key = make_key();
    ca->cert = make_cert(ca->key, &wish, true, NULL);
    assert_int_equal(gnutls_x509_crt_export2(ca->cert, GNUTLS_X509_FMT_PEM, &pem), 0);
    (void)snprintf(ca->file, sizeof ca->file, "/tmp/onehop-tls-XXXXXX");
    int fd = mkstemp(ca->file);
    assert_int_equal(write(fd, pem.data, pem.size), pem.size);
    close(fd);
    gnutls_free(pem.data);
    *state = ca;
    return 0;
}

int drop_authority(void **state)
{
    struct authority *ca = *state;
    unlink(ca->file);
    gnutls_x509_crt_deinit(ca->cert);
    gnutls_x509_privkey_deinit(ca->key);
    free(ca);
    return 0;
}

static ssize_t keep(gnutls_transport_ptr_t context, const void *data, size_t len)
{
    struct server *server = context;
    str_add_n(&server->out, data, len);
    return (ssize_t)len;
}

static ssize_t write_and_read(gnutls_transport_ptr_t context, void *buffer, size_t len)
{
    struct server *server = context;
    (void)!write(server->fd, str_text(&server->out), server->out.len);
    str_truncate(&server->out, 0);
    return read(server->fd, buffer, len);
}

static int warn(gnutls_session_t session)
{
    const struct server *server = gnutls_session_get_ptr(session);
    for (unsigned i = 0; i < server->warnings; i++)
        (void)gnutls_alert_send(session, GNUTLS_AL_WARNING, GNUTLS_A_UNRECOGNIZED_NAME);
    return 0;
}

static void *serve(void *context)
{
    struct server *server = context;
    gnutls_session_t session;
    if (gnutls_init(&session, GNUTLS_SERVER) < 0)
        return NULL;
    (void)gnutls_priority_set_direct(session, server->priorities, NULL);
    (void)gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, server->credentials);
    gnutls_transport_set_int(session, server->fd);
    if (server->warnings > 0) {
        gnutls_session_set_ptr(session, server);
        gnutls_transport_set_ptr(session, server);
        gnutls_transport_set_push_function(session, keep);
        gnutls_transport_set_pull_function(session, write_and_read);
        gnutls_handshake_set_post_client_hello_function(session, warn);
    }
    if (server->warnings == 0) /* it would poll the transport */
        gnutls_handshake_set_timeout(session, LONG);
    int status;
    do
        status = gnutls_handshake(session);
    while (status < 0 && !gnutls_error_is_fatal(status));
    if (status == 0)
        server->talk(session);
    gnutls_deinit(session);
    str_clear(&server->out);
    close(server->fd);
    return NULL;
}

struct stream *start_server(struct server *server, const struct authority *ca,
                            const struct wish *wish, const char *priorities)
{
    int fds[2];
    gnutls_x509_privkey_t key = make_key();
    server->cert = make_cert(key, wish, false, ca);
    assert_int_equal(gnutls_certificate_allocate_credentials(&server->credentials), 0);
    assert_int_equal(gnutls_certificate_set_x509_key(server->credentials, &server->cert, 1, key),
                     0);
    gnutls_x509_privkey_deinit(key);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    server->fd = fds[1];
    server->priorities = priorities;
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
    return socket_stream(fds[0]);
}

void stop_server(struct server *server)
{
    (void)pthread_join(server->thread, NULL);
    gnutls_certificate_free_credentials(server->credentials);
    gnutls_x509_crt_deinit(server->cert);
}
