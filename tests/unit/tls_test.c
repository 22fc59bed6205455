#include "suite.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "net/socket.h"
#include "net/tls.h"
#include "tlspeer.h"

enum { LONG = 20000 };

/* Says hello, echoes until the end. */
static void echo(gnutls_session_t session)
{
    char buffer[4096];
    ssize_t n;
    (void)gnutls_record_send(session, "hello", 5);
    while ((n = gnutls_record_recv(session, buffer, sizeof buffer)) > 0)
        (void)gnutls_record_send(session, buffer, (size_t)n);
}

static void wait_for_the_end(gnutls_session_t session)
{
    char c;
    (void)gnutls_record_recv(session, &c, 1);
}

static void read_exactly(struct stream *s, char *buffer, size_t len)
{
    struct error err = {0};
    while (len > 0) {
        ssize_t n = stream_read(s, buffer, len, &err);
        assert_true(n > 0 || n == STREAM_AGAIN);
        if (n == STREAM_AGAIN)
            assert_true(stream_wait(s, STREAM_READ, clock_after(LONG), &err) > 0);
        else {
            buffer += n;
            len -= (size_t)n;
        }
    }
}

#define MODERN "NORMAL"
#define OLD "NORMAL:-VERS-ALL:+VERS-TLS1.1:+SHA1:%VERIFY_ALLOW_SIGN_WITH_SHA1"

static void certificates_are_believed_or_not(void **state)
{
    static const struct {
        const char *name;
        struct wish wish;
        const char *priorities;
        int code; /* 0: believed */
        const char *text;
        bool check;
    } rows[] = {
        {"good", {"mx.mail.example", -1, 9, GNUTLS_KP_TLS_WWW_SERVER, false}, MODERN, 0, "", true},
        {"TLS 1.2",
         {"mx.mail.example", -1, 9, GNUTLS_KP_TLS_WWW_SERVER, false},
         "NORMAL:-VERS-ALL:+VERS-TLS1.2",
         0,
         "",
         true},
        {"TLS 1.1",
         {"mx.mail.example", -1, 9, GNUTLS_KP_TLS_WWW_SERVER, false},
         OLD,
         EX_PROTOCOL,
         "TLS: ",
         true},
        {"wildcard",
         {"*.mail.example", -1, 9, GNUTLS_KP_TLS_WWW_SERVER, false},
         MODERN,
         0,
         "",
         true},
        {"wrong name",
         {"other.example", -1, 9, GNUTLS_KP_TLS_WWW_SERVER, false},
         MODERN,
         EX_UNAVAILABLE,
         "is for other.example, not mx.mail.example",
         true},
        {"expired",
         {"mx.mail.example", -9, -1, GNUTLS_KP_TLS_WWW_SERVER, false},
         MODERN,
         EX_UNAVAILABLE,
         "this machine's clock says 20",
         true},
        {"not yet valid",
         {"mx.mail.example", 1, 9, GNUTLS_KP_TLS_WWW_SERVER, false},
         MODERN,
         EX_UNAVAILABLE,
         "is not valid before 20",
         true},
        {"self-signed",
         {"mx.mail.example", -1, 9, GNUTLS_KP_TLS_WWW_SERVER, true},
         MODERN,
         EX_UNAVAILABLE,
         "it is self-signed; `tls_fingerprint = ",
         true},
        {"for clients only",
         {"mx.mail.example", -1, 9, GNUTLS_KP_TLS_WWW_CLIENT, false},
         MODERN,
         EX_UNAVAILABLE,
         "is not for servers",
         true},
        {"not looked at",
         {"other.example", -9, -1, GNUTLS_KP_TLS_WWW_CLIENT, true},
         MODERN,
         0,
         "",
         false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct authority *ca = *state;
        struct server server = {.talk = echo};
        struct stream *inner = start_server(&server, ca, &rows[i].wish, rows[i].priorities);
        struct tls_params params = tlspeer_params;
        struct error err = {0};
        params.trust_file = ca->file;
        params.check = rows[i].check;
        struct stream *s = tls_start(inner, &params, clock_after(LONG), &err);
        print_message("# %s: %s\n", rows[i].name, s ? "believed" : err.text);
        assert_int_equal(s != NULL, rows[i].code == 0);
        if (s) {
            char hello[5];
            read_exactly(s, hello, 5);
            assert_memory_equal(hello, "hello", 5);
        }
        stream_close(s);
        stop_server(&server);
        if (rows[i].code) {
            assert_int_equal(err.code, rows[i].code);
            assert_int_equal(err.scope, ERROR_ACCOUNT);
            assert_int_equal(err.class, ERROR_TEMPORARY);
            assert_non_null(strstr(err.text, rows[i].text));
        }
    }
}

static void add_print(struct str *out, gnutls_x509_crt_t cert, const char *kind)
{
    unsigned char digest[64];
    size_t len = sizeof digest;
    if (strcmp(kind, "spki") == 0)
        assert_int_equal(gnutls_x509_crt_get_key_id(cert, GNUTLS_KEYID_USE_SHA256, digest, &len),
                         0);
    else
        assert_int_equal(gnutls_x509_crt_get_fingerprint(
                             cert, strcmp(kind, "sha1") == 0 ? GNUTLS_DIG_SHA1 : GNUTLS_DIG_SHA256,
                             digest, &len),
                         0);
    str_add(out, strcmp(kind, "spki") == 0 ? "spki:" : "");
    for (size_t i = 0; i < len; i++)
        str_addf(out, i % 2 ? "%02x" : ":%02X", digest[i]);
}

static void fingerprints_replace_the_trust(void **state)
{
    static const char *const kinds[] = {"sha256", "sha1", "spki", "wrong"};
    static const char other[] =
        "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF, ";
    const struct wish wish = {"other.example", -9, -1, GNUTLS_KP_TLS_WWW_SERVER, true};
    for (size_t n = 0; n < 8; n++) {
        size_t i = n % 4;
        struct server server = {.talk = echo};
        struct stream *inner = start_server(&server, *state, &wish, MODERN);
        struct tls_params params = tlspeer_params;
        struct error err = {0};
        struct str print = {0};
        if (n >= 4) /* of a list one must fit */
            str_add(&print, other);
        size_t start = print.len;
        add_print(&print, server.cert, kinds[i]);
        if (i == 3)
            print.data[start + 1] = print.data[start + 1] == '0' ? '1' : '0';
        params.fingerprint = print.data;
        struct stream *s = tls_start(inner, &params, clock_after(LONG), &err);
        assert_int_equal(s != NULL, i < 3);
        if (!s)
            assert_non_null(strstr(err.text, "has another fingerprint"));
        stream_close(s);
        stop_server(&server);
        str_clear(&print);
    }
}

static void octets_come_back_as_they_went(void **state)
{
    enum { SIZE = 3 * 1024 * 1024 };
    struct authority *ca = *state;
    struct server server = {.talk = echo};
    const struct wish wish = {"mx.mail.example", -1, 9, GNUTLS_KP_TLS_WWW_SERVER, false};
    struct stream *inner = start_server(&server, ca, &wish, MODERN);
    struct tls_params params = tlspeer_params;
    struct error err = {0};
    params.trust_file = ca->file;
    struct stream *s = tls_start(inner, &params, clock_after(LONG), &err);
    assert_non_null(s);
    struct str facts = {0};
    tls_describe(s, &facts);
    assert_non_null(strstr(facts.data, "protocol = TLS1."));
    assert_non_null(strstr(facts.data, "subject = CN=mx.mail.example\n"));
    assert_non_null(strstr(facts.data, "issuer = CN=Test CA\n"));
    str_clear(&facts);
    char *out = memory_new(SIZE), *in = memory_new(SIZE + 5);
    for (size_t i = 0; i < SIZE; i++)
        out[i] = (char)(i * 7 + i / 251);
    size_t written = 0, got = 0;
    while (got < SIZE + 5) { /* the echo fills its own pipe unless it is read meanwhile */
        int want = STREAM_READ | (written < SIZE ? STREAM_WRITE : 0);
        int ready = stream_wait(s, want, clock_after(LONG), &err);
        assert_true(ready > 0);
        if (ready & STREAM_WRITE) {
            ssize_t n = stream_write(s, out + written, SIZE - written, &err);
            assert_true(n != STREAM_FAILED);
            written += n > 0 ? (size_t)n : 0;
        }
        if (ready & STREAM_READ) {
            ssize_t n = stream_read(s, in + got, SIZE + 5 - got, &err);
            assert_true(n > 0 || n == STREAM_AGAIN);
            got += n > 0 ? (size_t)n : 0;
        }
    }
    assert_memory_equal(in, "hello", 5);
    assert_memory_equal(in + 5, out, SIZE);
    free(out);
    free(in);
    stream_close(s);
    stop_server(&server);
}

static void what_cannot_begin_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *trust, *fingerprint, *key, *text;
        int code;
    } rows[] = {
        {"/nonexistent/ca", "", "", "/nonexistent/ca", EX_NOINPUT},
        {"/dev/null", "", "", "/dev/null", EX_NOINPUT},
        {"", "", "", "tls_trust_file", EX_CONFIG},
        {"", "AB:CD", "", "tls_fingerprint", EX_CONFIG},
        {"", "xyz", "", "tls_fingerprint", EX_CONFIG},
        {"", "", "/nonexistent/key", "/nonexistent/key", EX_NOINPUT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int fds[2];
        struct error err = {0};
        struct tls_params params = tlspeer_params;
        params.trust_file = rows[i].trust;
        params.fingerprint = rows[i].fingerprint;
        params.key_file = params.cert_file = rows[i].key;
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
        assert_null(tls_start(socket_stream(fds[0]), &params, clock_after(LONG), &err));
        assert_int_equal(err.code, rows[i].code);
        assert_non_null(strstr(err.text, rows[i].text));
        close(fds[1]);
    }
}

/* Neither silence nor rubbish nor the end of the connection is waited for beyond the deadline. */
static void handshakes_that_fail(void **state)
{
    static const struct {
        const char *says;
        bool ends;
        int code;
        const char *text;
    } rows[] = {
        {"", false, EX_TEMPFAIL, "took too long"},
        {"\x16\x03", false, EX_TEMPFAIL, "took too long"},
        {"250 ok, no TLS here\r\n", false, EX_PROTOCOL, "TLS: "},
        {"", true, EX_TEMPFAIL, "closed the connection"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int fds[2];
        struct error err = {0};
        struct tls_params params = tlspeer_params;
        params.trust_file = ((struct authority *)*state)->file;
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
        assert_int_equal(write(fds[1], rows[i].says, strlen(rows[i].says)), strlen(rows[i].says));
        if (rows[i].ends)
            assert_int_equal(shutdown(fds[1], SHUT_WR), 0);
        assert_null(tls_start(socket_stream(fds[0]), &params, clock_after(50), &err));
        print_message("# %s\n", err.text);
        assert_int_equal(err.code, rows[i].code);
        assert_non_null(strstr(err.text, rows[i].text));
        close(fds[1]);
    }
}

/* An alert of level warning ends nothing (RFC 6066, 3: unrecognized_name), but there is an end to
 * them. It is TLS 1.2 that knows them: in 1.3 every alert is fatal. */
static void warnings_hold_up_nothing(void **state)
{
    static const struct {
        unsigned warnings;
        const char *text; /* NULL: the handshake ends well */
    } rows[] = {{1, NULL}, {3, NULL}, {100, "TLS: "}};
    const struct wish wish = {"mx.mail.example", -1, 9, GNUTLS_KP_TLS_WWW_SERVER, false};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct authority *ca = *state;
        struct server server = {.talk = wait_for_the_end, .warnings = rows[i].warnings};
        struct stream *inner = start_server(&server, ca, &wish, "NORMAL:-VERS-ALL:+VERS-TLS1.2");
        struct tls_params params = tlspeer_params;
        struct error err = {0};
        params.trust_file = ca->file;
        struct stream *s = tls_start(inner, &params, clock_after(2000), &err);
        print_message("# %u: %s\n", rows[i].warnings, s ? "established" : err.text);
        assert_int_equal(s != NULL, rows[i].text == NULL);
        stream_close(s);
        stop_server(&server);
        if (rows[i].text)
            assert_non_null(strstr(err.text, rows[i].text));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(certificates_are_believed_or_not),
        cmocka_unit_test(fingerprints_replace_the_trust),
        cmocka_unit_test(octets_come_back_as_they_went),
        cmocka_unit_test(what_cannot_begin_is_told),
        cmocka_unit_test(handshakes_that_fail),
        cmocka_unit_test(warnings_hold_up_nothing),
    };
    (void)signal(SIGPIPE, SIG_IGN); /* the server here may write to a client that has left */
    return cmocka_run_group_tests_name("tls", tests, make_authority, drop_authority);
}
