#include "suite.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/socket.h"
#include "net/socks.h"

#define TEXT(literal) literal, sizeof(literal) - 1
#define ACCEPTS "\5\0"
#define IPV4_ANSWER "\5\0\0\1\177\0\0\1\0\31"

static const struct {
    const char *name, *host;
    const char *asked; /* the request behind the greeting */
    size_t asked_len;
    const char *answer; /* all that the proxy says */
    size_t answer_len;
    const char *complaint; /* NULL: connected */
    const char *left;      /* what is still to be read then */
} cases[] = {
    {"a name", "smtp.example", TEXT("\5\1\0\3\14smtp.example\2\113"),
     TEXT(ACCEPTS IPV4_ANSWER "220 hi"), NULL, "220 hi"},
    {"an IPv4 address", "192.0.2.1", TEXT("\5\1\0\1\300\0\2\1\2\113"), TEXT(ACCEPTS IPV4_ANSWER),
     NULL, ""},
    {"an IPv6 address", "::1", TEXT("\5\1\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\2\113"),
     TEXT(ACCEPTS "\5\0\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\31x"), NULL, "x"},
    {"answered with a name", "h", TEXT("\5\1\0\3\1h\2\113"), TEXT(ACCEPTS "\5\0\0\3\3abc\0\31y"),
     NULL, "y"},
    {"a U-label", "m\303\274.example", TEXT("\5\1\0\3\23xn--m-xka.example\2\113"), TEXT("\5\377"),
     "wants a login", NULL},
    {"refused", "h", TEXT("\5\1\0\3\1h\2\113"), TEXT(ACCEPTS "\5\5\0\1\0\0\0\0\0\0"),
     "the connection was refused", NULL},
    {"forbidden", "h", TEXT("\5\1\0\3\1h\2\113"), TEXT(ACCEPTS "\5\2\0\1\0\0\0\0\0\0"),
     "its rules forbid", NULL},
    {"an unknown error", "h", TEXT("\5\1\0\3\1h\2\113"), TEXT(ACCEPTS "\5\377\0\1"),
     "an unknown error", NULL},
    {"an unknown address", "h", TEXT("\5\1\0\3\1h\2\113"), TEXT(ACCEPTS "\5\0\0\7"),
     "an unknown kind of address", NULL},
    {"SOCKS 4", "h", TEXT(""), TEXT("\4\0"), "no SOCKS 5", NULL},
    {"an SMTP server", "h", TEXT(""), TEXT("220 hello\r\n"), "no SOCKS 5", NULL},
    {"half an answer", "h", TEXT("\5\1\0\3\1h\2\113"), TEXT(ACCEPTS "\5\0\0"),
     "it closed the connection", NULL},
    {"nothing", "h", TEXT(""), TEXT(""), "it closed the connection", NULL},
};

/* The proxy has said all it will say before it is asked: the order of its words is what counts. */
static void proxies_are_asked(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int fd[2];
        char got[512], left[64] = "";
        struct error err = {0};
        print_message("# %s\n", cases[i].name);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
        assert_int_equal(write(fd[1], cases[i].answer, cases[i].answer_len),
                         (ssize_t)cases[i].answer_len);
        assert_int_equal(shutdown(fd[1], SHUT_WR), 0);
        struct stream *stream = socket_stream(fd[0]);
        bool ok = socks_connect(stream, cases[i].host, 587, clock_after(20000), &err);
        ssize_t n = read(fd[1], got, sizeof got);
        if (cases[i].complaint) {
            assert_false(ok);
            print_message("# %s\n", err.text);
            assert_non_null(strstr(err.text, cases[i].complaint));
            assert_int_equal(err.code, EX_UNAVAILABLE);
        } else {
            assert_true(ok);
            assert_true(stream_read(stream, left, sizeof left - 1, &err) >= 0);
            assert_string_equal(left, cases[i].left);
        }
        assert_true(n >= 3 && memcmp(got, "\5\1\0", 3) == 0);
        bool asked = !cases[i].complaint || strcmp(cases[i].complaint, "wants a login") != 0;
        if (asked && cases[i].asked_len) {
            assert_int_equal(n, 3 + cases[i].asked_len);
            assert_memory_equal(got + 3, cases[i].asked, cases[i].asked_len);
        } else {
            assert_int_equal(n, 3);
        }
        stream_close(stream);
        (void)close(fd[1]);
    }
}

static void a_silent_proxy_is_given_up(void **state)
{
    (void)state;
    int fd[2];
    struct error err = {0};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    struct stream *stream = socket_stream(fd[0]);
    assert_false(socks_connect(stream, "h", 25, clock_now(), &err));
    assert_non_null(strstr(err.text, "took too long"));
    assert_int_equal(err.code, EX_TEMPFAIL);
    stream_close(stream);
    (void)close(fd[1]);
}

static void a_name_too_long_is_refused(void **state)
{
    (void)state;
    char name[600];
    struct error err = {0};
    int fd[2];
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    struct stream *stream = socket_stream(fd[0]);
    assert_false(socks_connect(stream, name, 25, clock_now(), &err));
    assert_int_equal(err.code, EX_CONFIG);
    stream_close(stream);
    (void)close(fd[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(proxies_are_asked),
        cmocka_unit_test(a_silent_proxy_is_given_up),
        cmocka_unit_test(a_name_too_long_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
