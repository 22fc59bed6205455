/* A session over a socket that takes little at a time, to a server that answers each command as
 * soon as it has it: in clear and in TLS, contents of all sizes. Whatever of a flight was still to
 * be written when the reply came, each message is sent, once. */
#include "suite.h"

#include <gnutls/gnutls.h>
#include <pthread.h>
#include <signal.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "net/socket.h"
#include "net/tls.h"
#include "smtp/session.h"
#include "smtp/sessionstate.h"
#include "tlspeer.h"

enum { LONG = 20000, MAILS = 24, SMALL = 4096 };

static size_t accepted; /* messages the server has said 250 to; read after the thread was joined */

/* The server's end: a TLS session, or a descriptor. */
struct end {
    gnutls_session_t tls;
    int fd;
    char in[1000];
    size_t at, len;
};

static bool fill(struct end *end)
{
    ssize_t n = end->tls ? gnutls_record_recv(end->tls, end->in, sizeof end->in)
                         : read(end->fd, end->in, sizeof end->in);
    end->at = 0;
    end->len = n > 0 ? (size_t)n : 0;
    return n > 0;
}

static void say(struct end *end, const char *text)
{
    if (end->tls)
        (void)gnutls_record_send(end->tls, text, strlen(text));
    else
        (void)!send(end->fd, text, strlen(text), MSG_NOSIGNAL);
}

static bool next(struct end *end, char *c)
{
    if (end->at == end->len && !fill(end))
        return false;
    *c = end->in[end->at++];
    return true;
}

static bool line(struct end *end, char *text, size_t size)
{
    size_t n = 0;
    char c = 0;
    while (c != '\n') {
        if (!next(end, &c))
            return false;
        if (n + 1 < size)
            text[n++] = c;
    }
    text[n] = '\0';
    return true;
}

static bool discard(struct end *end, size_t n)
{
    char c;
    while (n-- > 0)
        if (!next(end, &c))
            return false;
    return true;
}

static bool until_dot(struct end *end)
{
    char text[8];
    do
        if (!line(end, text, sizeof text))
            return false;
    while (strcmp(text, ".\r\n") != 0);
    return true;
}

static void serve_mail(struct end *end)
{
    char text[256];
    say(end, "220 mx\r\n");
    while (line(end, text, sizeof text)) {
        bool content = strncasecmp(text, "BDAT ", 5) == 0;
        if (content && !discard(end, strtoul(text + 5, NULL, 10)))
            return;
        if (strncasecmp(text, "DATA", 4) == 0) {
            say(end, "354 go\r\n");
            content = true;
            if (!until_dot(end))
                return;
        }
        accepted += content;
        bool ehlo = strncasecmp(text, "EHLO", 4) == 0;
        say(end, ehlo ? "250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n" : "250 2.0.0 ok\r\n");
    }
}

static void serve_tls(gnutls_session_t session)
{
    struct end end = {.tls = session};
    serve_mail(&end);
}

static void *serve_clear(void *context)
{
    struct end end = {.fd = *(int *)context};
    serve_mail(&end);
    close(end.fd);
    return NULL;
}

struct mail {
    struct recipient rcpt;
    struct envelope env;
    struct content content;
    struct outcome outcome;
    struct session_mail mail;
};

static void make_mail(struct mail *m, size_t size)
{
    *m = (struct mail){.rcpt = {.address = "a@y.org"}, .env = {.sender = "me@x.org", .n = 1}};
    str_add(&m->content.memory, "S: x\r\n\r\n");
    while (m->content.memory.len + 2 < size)
        str_add_char(&m->content.memory, m->content.memory.len % 70 ? 'x' : '\n');
    str_add(&m->content.memory, "\r\n");
    m->content.size = m->content.memory.len;
    m->env.rcpt = &m->rcpt;
    m->mail =
        (struct session_mail){.env = &m->env, .content = &m->content, .outcomes = &m->outcome};
}

static void send_alone(struct session *session, struct mail *m)
{
    struct error err = {0};
    bool ok = session_send(session, &(struct session_mail){&m->env, &m->content, &m->outcome, NULL},
                           &err);
    if (!ok)
        print_message("# %s\n", err.text);
    assert_true(ok);
}

static void pull(struct session *session)
{
    struct error err = {0};
    enum session_pulled pulled = session_pull(session, &err);
    if (pulled != SESSION_ENDED)
        print_message("# %s\n", pulled == SESSION_FAILED ? err.text : "untried");
    assert_int_equal(pulled, SESSION_ENDED);
}

/* As a worker does: one the ordinary way, then as many in flight as there is room for. */
static void send_all(struct session *session, struct mail *mails)
{
    send_alone(session, &mails[0]);
    for (size_t i = 1; i < MAILS; i++) {
        enum session_room room;
        while ((room = session_room(session, &mails[i].mail)) == SESSION_ROOM_LATER)
            pull(session);
        if (room == SESSION_ROOM) {
            assert_true(session_push(session, &mails[i].mail));
            continue;
        }
        while (session->in_flight > 0)
            pull(session);
        send_alone(session, &mails[i]);
    }
    while (session->in_flight > 0)
        pull(session);
}

enum way { ONE_BY_ONE, WINDOW, PIPELINE }; /* the latter by DATA */

/* Contents grow from FROM by STEP. */
static void deliver(struct stream *stream, enum way way, size_t from, size_t step)
{
    struct mail mails[MAILS];
    struct error err = {0};
    const struct session_params params = {.hello = "me",
                                          .secure = true,
                                          .chunking = way == WINDOW,
                                          .streaming = way != ONE_BY_ONE,
                                          .timeout = LONG,
                                          .timeout_final = LONG};
    int small = SMALL;
    assert_int_equal(
        setsockopt(stream_descriptor(stream), SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
    for (size_t i = 0; i < MAILS; i++)
        make_mail(&mails[i], from + i * step);
    struct session *session = session_new(stream, &params);
    assert_true(session_hello(session, &err));
    send_all(session, mails);
    session_end(session);
    for (size_t i = 0; i < MAILS; i++) {
        assert_int_equal(mails[i].outcome.result, OUTCOME_SENT);
        str_clear(&mails[i].content.memory);
    }
}

static const struct {
    size_t from, step;
} sizes[] = {{9, 1}, {100, 100}, {4000, 16}, {16300, 16}, {20000, 3000}, {65000, 50}, {200000, 1}};

static void deliver_in_clear(enum way way)
{
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int fds[2];
        pthread_t thread;
        accepted = 0;
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
        assert_int_equal(pthread_create(&thread, NULL, serve_clear, &fds[1]), 0);
        deliver(socket_stream(fds[0]), way, sizes[i].from, sizes[i].step);
        (void)pthread_join(thread, NULL);
        assert_int_equal(accepted, MAILS);
    }
}

static void deliver_in_tls(const struct authority *ca, const char *priorities, enum way way)
{
    const struct wish wish = {"mx.mail.example", -1, 9, GNUTLS_KP_TLS_WWW_SERVER, false};
    struct tls_params params = tlspeer_params;
    params.trust_file = ca->file;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct server server = {.talk = serve_tls};
        struct error err = {0};
        accepted = 0;
        struct stream *inner = start_server(&server, ca, &wish, priorities);
        struct stream *stream = tls_start(inner, &params, clock_after(LONG), &err);
        assert_non_null(stream);
        deliver(stream, way, sizes[i].from, sizes[i].step);
        stop_server(&server);
        assert_int_equal(accepted, MAILS);
    }
}

static void several_in_flight_in_clear(void **state)
{
    (void)state;
    deliver_in_clear(WINDOW);
    deliver_in_clear(PIPELINE);
}

static void one_by_one_in_clear(void **state)
{
    (void)state;
    deliver_in_clear(ONE_BY_ONE);
}

static void several_in_flight_in_tls(void **state)
{
    deliver_in_tls(*state, "NORMAL", WINDOW);
    deliver_in_tls(*state, "NORMAL:-VERS-ALL:+VERS-TLS1.2", WINDOW);
    deliver_in_tls(*state, "NORMAL", PIPELINE);
}

static void one_by_one_in_tls(void **state)
{
    deliver_in_tls(*state, "NORMAL", ONE_BY_ONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(several_in_flight_in_clear),
        cmocka_unit_test(one_by_one_in_clear),
        cmocka_unit_test(several_in_flight_in_tls),
        cmocka_unit_test(one_by_one_in_tls),
    };
    (void)signal(SIGPIPE, SIG_IGN); /* the server writes its 221 to a client that has left */
    return cmocka_run_group_tests_name("flight", tests, make_authority, drop_authority);
}
