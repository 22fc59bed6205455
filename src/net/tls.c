#include "config.h"
#include "net/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/memory.h"
#include "base/translation.h"
#include "net/tlsserverstate.h"
#include "net/trust.h"

/* Records that are encrypted before they are handed down, so that a group of commands with its
 * content is one write below as well. */
enum {
    FLIGHT_MAX = 80 * 1024,
    RECORDS_MAX = 64,
    PULL_MAX = 17 * 1024,
    EVENTS_MAX = 8, /* warnings and the like, in a session: each could delay its end */
};

/* A record of the flight that has not left completely. */
struct record {
    uint64_t end; /* where it ends, counted in encrypted octets from the first of the session */
    size_t plain; /* octets of the caller's in it */
};

struct tls {
    struct stream stream;
    struct stream *inner;
    gnutls_session_t session;
    struct trust trust;
    struct str flight; /* encrypted, from flight_at on not yet taken by the layer below */
    size_t flight_at;
    uint64_t left; /* encrypted octets taken by the layer below, ever */
    struct record record[RECORDS_MAX];
    size_t record_at, records;
    char in[PULL_MAX]; /* read ahead: GnuTLS asks for a record's head and then for the rest */
    size_t in_at, in_end;
    unsigned events;
    bool heard, in_clear; /* something was read; the first octet of it begins no record */
    bool failed;          /* the layer below has failed: with this */
    bool established;
    struct error error;
};

static bool keep_error(struct tls *tls, int *number)
{
    tls->failed = true;
    *number = EIO;
    return false;
}

/* Hands the flight down. True when nothing is left; else errno-like *NUMBER: EAGAIN or EIO. Only
 * writing and the handshake do it, never reading: so what tls_write() has counted is all that the
 * peer can have seen. */
static bool flush(struct tls *tls, int *number)
{
    while (!tls->failed && tls->flight_at < tls->flight.len) {
        ssize_t n = stream_write(tls->inner, tls->flight.data + tls->flight_at,
                                 tls->flight.len - tls->flight_at, &tls->error);
        if (n == STREAM_FAILED)
            return keep_error(tls, number);
        if (n == STREAM_AGAIN) {
            *number = EAGAIN;
            return false;
        }
        tls->flight_at += (size_t)n;
        tls->left += (uint64_t)n;
    }
    if (tls->failed)
        return keep_error(tls, number);
    str_truncate(&tls->flight, 0);
    tls->flight_at = 0;
    return true;
}

static ssize_t push(gnutls_transport_ptr_t context, const void *data, size_t len)
{
    struct tls *tls = context;
    str_add_n(&tls->flight, data, len);
    return (ssize_t)len;
}

/* A content type of RFC 8446, B.1. */
static bool begins_record(char octet)
{
    return octet >= 20 && octet <= 24;
}

static ssize_t pull(gnutls_transport_ptr_t context, void *buffer, size_t len)
{
    struct tls *tls = context;
    /* What can't be written any more is no reason not to read: a peer that hung up in the middle of
     * what was said has answered the beginning. */
    if (tls->in_at == tls->in_end) {
        struct error later; /* the first failure is reported */
        ssize_t n =
            stream_read(tls->inner, tls->in, sizeof tls->in, tls->failed ? &later : &tls->error);
        if (n == 0)
            return 0;
        if (n == STREAM_FAILED)
            tls->failed = true;
        if (n < 0) {
            gnutls_transport_set_errno(tls->session, n == STREAM_AGAIN ? EAGAIN : EIO);
            return -1;
        }
        tls->in_at = 0;
        tls->in_end = (size_t)n;
        tls->in_clear = tls->in_clear || (!tls->heard && !begins_record(tls->in[0]));
        tls->heard = true;
    }
    size_t n = tls->in_end - tls->in_at < len ? tls->in_end - tls->in_at : len;
    memcpy(buffer, tls->in + tls->in_at, n);
    tls->in_at += n;
    return (ssize_t)n;
}

static void report_library(int status, struct error *err)
{
    (void)error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_PROTOCOL, "TLS: %s",
                    gnutls_strerror(status));
    error_show(err, "TLS: %s", translation_by(gnutls_strerror, status));
}

/* Says what the status of a client's session means. False: only the library can. */
static bool explain(const struct tls *tls, int status, struct error *err)
{
    if (tls->in_clear)
        (void)error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_PROTOCOL,
                        "TLS: the server speaks without TLS");
    else if (status == GNUTLS_E_PREMATURE_TERMINATION ||
             status == GNUTLS_E_UNEXPECTED_PACKET_LENGTH)
        (void)error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL,
                        "TLS: the server closed the connection");
    else if (status == GNUTLS_E_FATAL_ALERT_RECEIVED || status == GNUTLS_E_WARNING_ALERT_RECEIVED)
        (void)error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_PROTOCOL,
                        "TLS: the server ended it: %s",
                        gnutls_alert_get_name(gnutls_alert_get(tls->session)));
    else
        return false;
    return true;
}

static bool fail(struct tls *tls, int status, struct error *err)
{
    bool is_client = tls->trust.credentials != NULL;
    if (tls->failed)
        *err = tls->error;
    else if (!is_client || !explain(tls, status, err))
        report_library(status, err);
    if (tls->in_clear && !tls->failed)
        err->finding = FINDING_NO_TLS;
    return false;
}

/* Whether STATUS, which is not fatal, says only that there is nothing to be read: everything else,
 * such as an alert of level warning, leaves what was read behind it where it is. */
static bool is_again(int status)
{
    return status == GNUTLS_E_AGAIN || status == GNUTLS_E_INTERRUPTED;
}

static ssize_t tls_read(struct stream *s, void *buffer, size_t len, struct error *err)
{
    struct tls *tls = (struct tls *)s;
    ssize_t n = gnutls_record_recv(tls->session, buffer, len);
    if (n >= 0)
        return n;
    /* a client may leave a request for renegotiation unanswered */
    if (is_again((int)n) || (!gnutls_error_is_fatal((int)n) && ++tls->events <= EVENTS_MAX))
        return STREAM_AGAIN;
    if (n == GNUTLS_E_PREMATURE_TERMINATION && !tls->failed)
        return 0; /* no reply is taken for complete because of it, so it says no more than EOF */
    (void)fail(tls, (int)n, err);
    return STREAM_FAILED;
}

/* Encrypts up to a flight's worth of DATA. False: GnuTLS objects. */
static bool encrypt(struct tls *tls, const char *data, size_t len, struct error *err)
{
    tls->record_at = tls->records = 0;
    while (len > 0 && tls->flight.len < FLIGHT_MAX && tls->records < RECORDS_MAX) {
        ssize_t n = gnutls_record_send(tls->session, data, len);
        if (n < 0) /* never for lack of room: push() takes everything */
            return fail(tls, (int)n, err);
        tls->record[tls->records++] =
            (struct record){.end = tls->left + tls->flight.len, .plain = (size_t)n};
        data += n;
        len -= (size_t)n;
    }
    return true;
}

/* The caller's octets in those records that have left since the last call. */
static size_t count_left(struct tls *tls)
{
    size_t n = 0;
    while (tls->record_at < tls->records && tls->record[tls->record_at].end <= tls->left)
        n += tls->record[tls->record_at++].plain;
    return n;
}

static ssize_t tls_write(struct stream *s, const void *data, size_t len, struct error *err)
{
    struct tls *tls = (struct tls *)s;
    int number = 0;
    if (len == 0)
        return 0;
    bool clear = flush(tls, &number);
    if (clear && tls->record_at == tls->records) {
        if (!encrypt(tls, data, len, err))
            return STREAM_FAILED;
        clear = flush(tls, &number);
    }
    size_t n = count_left(tls);
    if (n > 0)
        return (ssize_t)n;
    if (number == EAGAIN)
        return STREAM_AGAIN;
    *err = tls->error;
    return STREAM_FAILED;
}

static int tls_wait(struct stream *s, int want, int64_t deadline, struct error *err)
{
    struct tls *tls = (struct tls *)s;
    if ((want & STREAM_READ) &&
        (tls->in_at < tls->in_end || gnutls_record_check_pending(tls->session) > 0))
        return STREAM_READ;
    return stream_wait(tls->inner, want, deadline, err);
}

static int tls_descriptor(struct stream *s)
{
    return stream_descriptor(((struct tls *)s)->inner);
}

static void tls_close(struct stream *s)
{
    struct tls *tls = (struct tls *)s;
    int number = 0;
    if (tls->session) {
        if (tls->established && !tls->failed && tls->record_at == tls->records) {
            (void)gnutls_bye(tls->session, GNUTLS_SHUT_WR); /* a courtesy, not waited for */
            (void)flush(tls, &number);
        } /* else what is half out stays so: nothing may follow */
        gnutls_deinit(tls->session);
    }
    trust_clear(&tls->trust);
    stream_close(tls->inner);
    str_clear(&tls->flight);
    free(tls);
}

static const struct stream_ops tls_ops = {
    .read = tls_read,
    .write = tls_write,
    .wait = tls_wait,
    .descriptor = tls_descriptor,
    .close = tls_close,
};

static bool is_address(const char *host)
{
    unsigned char bytes[16];
    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

static bool set_priorities(struct tls *tls, const char *wish, struct error *err)
{
    static const char old[] = "-VERS-SSL3.0:-VERS-TLS1.0:-VERS-TLS1.1";
    const char *at = "";
    int status = *wish ? gnutls_priority_set_direct(tls->session, wish, &at)
                       : gnutls_set_default_priority_append(tls->session, old, &at, 0);
    if (status == GNUTLS_E_SUCCESS)
        return true;
    return error_set(err, ERROR_ACCOUNT, ERROR_PERMANENT, EX_SOFTWARE,
                     "tls_priorities: %s near '%s'", gnutls_strerror(status), at);
}

static void attach(struct tls *tls)
{
    gnutls_transport_set_ptr(tls->session, tls);
    gnutls_transport_set_push_function(tls->session, push);
    gnutls_transport_set_pull_function(tls->session, pull);
    /* GnuTLS has a deadline of its own, which starts anew with each message. */
    gnutls_handshake_set_timeout(tls->session, GNUTLS_INDEFINITE_TIMEOUT);
}

static bool set_up(struct tls *tls, const struct tls_params *params, struct error *err)
{
    if (!trust_load(&tls->trust, params, err))
        return false;
    int status = gnutls_init(&tls->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK);
    if (status < 0) {
        tls->session = NULL;
        return fail(tls, status, err);
    }
    if (!set_priorities(tls, params->priorities, err))
        return false;
    status = gnutls_credentials_set(tls->session, GNUTLS_CRD_CERTIFICATE, tls->trust.credentials);
    if (status == 0 && !is_address(params->host))
        status = gnutls_server_name_set(tls->session, GNUTLS_NAME_DNS, params->host,
                                        strlen(params->host));
    if (status < 0)
        return fail(tls, status, err);
    if (params->min_dh_prime_bits > 0)
        gnutls_dh_set_prime_bits(tls->session, (unsigned)params->min_dh_prime_bits);
    trust_demand(&tls->trust, tls->session, params);
    attach(tls);
    return true;
}

static bool set_up_server(struct tls *tls, const struct tlsserver *server, struct error *err)
{
    int status = gnutls_init(&tls->session, GNUTLS_SERVER | GNUTLS_NONBLOCK);
    if (status < 0) {
        tls->session = NULL;
        return fail(tls, status, err);
    }
    if (!set_priorities(tls, "", err))
        return false;
    status = gnutls_credentials_set(tls->session, GNUTLS_CRD_CERTIFICATE, server->credentials);
    if (status < 0)
        return fail(tls, status, err);
    if (server->asks) {
        gnutls_certificate_server_set_request(tls->session, GNUTLS_CERT_REQUEST);
        /* Without our authorities' names clients show any certificate that they have. */
        gnutls_certificate_send_x509_rdn_sequence(tls->session, 1);
    }
    attach(tls);
    return true;
}

static bool shake_hands(struct tls *tls, int64_t deadline, struct error *err)
{
    for (;;) {
        int number = 0;
        int status = gnutls_handshake(tls->session);
        bool clear = flush(tls, &number);
        if (!clear && number != EAGAIN)
            return fail(tls, GNUTLS_E_PUSH_ERROR, err);
        if (tls->trust.refused)
            return trust_explain(&tls->trust, tls->session, err);
        if (status < 0 && (gnutls_error_is_fatal(status) || tls->events > EVENTS_MAX))
            return fail(tls, status, err);
        if (status < 0 && !is_again(status)) {
            tls->events++;
            continue; /* the rest of the flight may be here already */
        }
        if (status == GNUTLS_E_SUCCESS && clear)
            return true;
        int want = status == GNUTLS_E_SUCCESS ? STREAM_WRITE : STREAM_READ;
        int ready = stream_wait(tls->inner, want | (clear ? 0 : STREAM_WRITE), deadline, err);
        if (ready == STREAM_FAILED)
            return false;
        if (ready == 0)
            return error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL,
                             "TLS: the handshake took too long");
    }
}

static struct tls *begin(struct stream *inner)
{
    struct tls *tls = memory_new(sizeof *tls);
    tls->stream.ops = &tls_ops;
    tls->inner = inner;
    return tls;
}

static struct stream *finish(struct tls *tls, bool ok)
{
    tls->established = ok;
    if (ok)
        return &tls->stream;
    tls_close(&tls->stream);
    return NULL;
}

struct stream *tls_start(struct stream *inner, const struct tls_params *params, int64_t deadline,
                         struct error *err)
{
    struct tls *tls = begin(inner);
    return finish(tls, set_up(tls, params, err) && shake_hands(tls, deadline, err));
}

struct stream *tls_accept(struct stream *inner, const struct tlsserver *server, int64_t deadline,
                          struct error *err)
{
    struct tls *tls = begin(inner);
    return finish(tls, set_up_server(tls, server, err) && shake_hands(tls, deadline, err));
}

void tls_peer(struct stream *stream, struct tlsserver_peer *peer)
{
    if (stream->ops == &tls_ops)
        trust_identify(((struct tls *)stream)->session, peer);
}

void tls_describe(struct stream *stream, struct str *out)
{
    if (stream->ops != &tls_ops)
        return;
    gnutls_session_t session = ((struct tls *)stream)->session;
    str_addf(out, "protocol = %s\n",
             gnutls_protocol_get_name(gnutls_protocol_get_version(session)));
    char *suite = gnutls_session_get_desc(session);
    str_addf(out, "cipher = %s\n", suite ? suite : "?");
    gnutls_free(suite);
    trust_describe(session, out);
}

void tls_channel_binding(struct stream *stream, struct binding *binding)
{
    gnutls_datum_t data = {NULL, 0};
    if (stream->ops != &tls_ops)
        return;
    gnutls_session_t session = ((struct tls *)stream)->session;
    bool exporter = gnutls_protocol_get_version(session) >= GNUTLS_TLS1_3;
    binding->kind = BINDING_UNSAFE;
    if ((!exporter && !gnutls_session_ext_master_secret_status(session)) ||
        gnutls_session_channel_binding(
            session, exporter ? GNUTLS_CB_TLS_EXPORTER : GNUTLS_CB_TLS_UNIQUE, &data) != 0)
        return;
    binding->kind = exporter ? BINDING_EXPORTER : BINDING_UNIQUE;
    binding->data.secret = true;
    str_add_n(&binding->data, data.data, data.size);
    gnutls_free(data.data);
}
