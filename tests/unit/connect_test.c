#include "suite.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/connect.h"
#include "net/socket.h"

enum { LONG = 20000 }; /* milliseconds: never reached by a test that passes */

/* A socket of ADDRESS on a port of the kernel's choice, or on *PORT; listening unless BACKLOG is
 * negative. */
static int open_port(const char *address, int backlog, int *port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)*port)};
    socklen_t len = sizeof to;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(inet_pton(AF_INET, address, &to.sin_addr), 1);
    assert_int_equal(bind(fd, (struct sockaddr *)&to, sizeof to), 0);
    if (backlog >= 0)
        assert_int_equal(listen(fd, backlog), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&to, &len), 0);
    *port = ntohs(to.sin_port);
    return fd;
}

static void a_name_and_literals_are_connected_to(void **state)
{
    (void)state;
    static const char *const hosts[] = {"127.0.0.1", "[127.0.0.1]", "localhost"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        int port = 0, on = 0;
        socklen_t len = sizeof on;
        int fd = open_port("127.0.0.1", 5, &port);
        struct connect_params params = {hosts[i], port, "", clock_after(LONG)};
        struct connect_result result;
        struct error err = {0};
        char buffer[8];
        assert_true(connect_host(&params, &result, &err));
        assert_string_equal(result.address, "127.0.0.1");
        int peer = accept(fd, NULL, NULL);
        assert_int_equal(
            getsockopt(stream_descriptor(result.stream), IPPROTO_TCP, TCP_NODELAY, &on, &len), 0);
        assert_int_not_equal(on, 0);
        assert_int_equal(stream_read(result.stream, buffer, sizeof buffer, &err), STREAM_AGAIN);
        assert_int_equal(stream_wait(result.stream, STREAM_READ, clock_now(), &err), 0);
        assert_int_equal(write(peer, "hello", 5), 5);
        assert_int_equal(
            stream_wait(result.stream, STREAM_READ | STREAM_WRITE, clock_after(LONG), &err) &
                STREAM_WRITE,
            STREAM_WRITE);
        assert_int_equal(stream_wait(result.stream, STREAM_READ, clock_after(LONG), &err),
                         STREAM_READ);
        assert_int_equal(stream_read(result.stream, buffer, sizeof buffer, &err), 5);
        assert_int_equal(stream_write(result.stream, "x", 1, &err), 1);
        close(peer);
        assert_int_equal(stream_wait(result.stream, STREAM_READ, clock_after(LONG), &err),
                         STREAM_READ);
        assert_true(stream_read(result.stream, buffer, sizeof buffer, &err) <= 0);
        stream_close(result.stream);
        close(fd);
    }
}

static void failures_name_each_address(void **state)
{
    (void)state;
    int port = 0;
    int fd = open_port("127.0.0.1", -1, &port); /* bound, so that nobody else listens there */
    const struct {
        const char *host, *source;
        int64_t deadline;
        int code;
        const char *text;
    } rows[] = {
        {"127.0.0.1", "", clock_after(LONG), EX_TEMPFAIL, "127.0.0.1: connection refused"},
        {"127.0.0.1", "::1", clock_after(LONG), EX_TEMPFAIL,
         "127.0.0.1: cannot assign requested address"},
        {"127.0.0.1", "nowhere", clock_after(LONG), EX_CONFIG, "source_ip"},
        {"no such name", "", clock_after(LONG), EX_NOHOST, "no such name not found"},
        {"slow.invalid", "", clock_now(), EX_TEMPFAIL, "took too long"},
        {"-\xc3\xbc-.invalid", "", clock_after(LONG), EX_CONFIG, "not a valid"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct connect_params params = {rows[i].host, port, rows[i].source, rows[i].deadline};
        struct connect_result result;
        struct error err = {0};
        assert_false(connect_host(&params, &result, &err));
        print_message("# %s\n", err.text);
        assert_non_null(strstr(err.text, rows[i].text));
        assert_int_equal(err.scope, ERROR_ACCOUNT);
        assert_int_equal(err.code, rows[i].code);
    }
    close(fd);
}

static void add_address(struct resolve_list *list, const char *text, int port)
{
    struct resolve_list one;
    struct error err;
    assert_true(resolve_host(text, port, 0, &one, &err));
    list->item[list->n++] = one.item[0];
}

/* An address whose queue is full answers nothing, as one behind a silent firewall. */
static int make_silent(const char *address, int *port, int fill[4])
{
    int fd = open_port(address, 0, port);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)*port)};
    assert_int_equal(inet_pton(AF_INET, address, &to.sin_addr), 1);
    for (int i = 0; i < 4; i++) {
        fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        if (connect(fill[i], (struct sockaddr *)&to, sizeof to) != 0)
            assert_int_equal(errno, EINPROGRESS);
    }
    return fd;
}

static void silence_does_not_hold_up_the_next_address(void **state)
{
    (void)state;
    int port = 0, fill[4];
    int silent = make_silent("127.0.0.1", &port, fill);
    int good = open_port("127.0.0.2", 5, &port);
    struct resolve_list list = {.n = 0};
    struct connect_result result;
    struct error err = {0};
    add_address(&list, "127.0.0.1", port);
    add_address(&list, "127.0.0.2", port);
    struct connect_params params = {"both", port, "127.0.0.3", clock_after(LONG)};
    assert_true(connect_race(&params, &list, &result, &err));
    assert_string_equal(result.address, "127.0.0.2");
    struct sockaddr_in from;
    socklen_t len = sizeof from;
    int peer = accept(good, (struct sockaddr *)&from, &len);
    assert_int_equal(ntohl(from.sin_addr.s_addr) & 0xff, 3);
    close(peer);
    stream_close(result.stream);

    list.n = 1;
    params.deadline = clock_after(30);
    assert_false(connect_race(&params, &list, &result, &err));
    assert_string_equal(err.text, "cannot connect: 127.0.0.1: connection timed out");
    for (int i = 0; i < 4; i++)
        close(fill[i]);
    close(silent);
    close(good);
}

static void families_alternate(void **state)
{
    (void)state;
    struct resolve_list list;
    struct error err;
    assert_true(resolve_host("[::1]", 25, 0, &list, &err));
    assert_int_equal(list.n, 1);
    assert_string_equal(list.item[0].text, "::1");
    assert_true(resolve_host("localhost", 25, clock_after(LONG), &list, &err));
    for (size_t i = 1; i < list.n && i < 2; i++)
        assert_int_not_equal(list.item[i].address.ss_family, list.item[0].address.ss_family);
}

static void unix_sockets_are_connected_to(void **state)
{
    (void)state;
    char path[] = "/tmp/onehop-connect-XXXXXX", inside[64];
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    struct error err = {0};
    assert_non_null(mkdtemp(path));
    (void)snprintf(inside, sizeof inside, "%s/s", path);
    assert_null(socket_connect_unix(inside, clock_after(LONG), &err));
    assert_int_equal(err.code, EX_TEMPFAIL);
    assert_non_null(strstr(err.text, inside));
    char longer[300];
    memset(longer, 'x', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    assert_null(socket_connect_unix(longer, clock_after(LONG), &err));
    assert_int_equal(err.code, EX_CONFIG);
    memcpy(to.sun_path, inside, strlen(inside));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(listen(fd, 1), 0);
    struct stream *s = socket_connect_unix(inside, clock_after(LONG), &err);
    assert_non_null(s);
    stream_close(s);
    stream_close(NULL);
    close(fd);
    unlink(inside);
    rmdir(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_and_literals_are_connected_to),
        cmocka_unit_test(failures_name_each_address),
        cmocka_unit_test(silence_does_not_hold_up_the_next_address),
        cmocka_unit_test(families_alternate),
        cmocka_unit_test(unix_sockets_are_connected_to),
    };
    return cmocka_run_group_tests_name("connect", tests, NULL, NULL);
}
