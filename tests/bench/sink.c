/* An SMTP submission server that takes mail as fast as it comes and forgets it: the other end of a
 * measurement, never the slow one. STARTTLS or, with -i, implicit TLS; AUTH PLAIN; PIPELINING and,
 * with -c, CHUNKING. One process per connection.
 *
 *     sink [-c] [-i] CERTIFICATE KEY
 *
 * Prints the port that the kernel chose and serves until its standard input ends. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 256 * 1024, REPLIES = 4096, LISTEN = 64 };

struct settings {
    gnutls_certificate_credentials_t credentials;
    bool implicit;
    bool chunking;
};

struct peer {
    const struct settings *settings;
    int fd;
    gnutls_session_t tls; /* NULL: plain */
    char in[BUFFER];      /* start..end is unread */
    size_t start, end;
    char out[REPLIES]; /* replies that wait for the next read */
    size_t pending;
};

static void flush(struct peer *p)
{
    size_t at = 0;
    while (at < p->pending) {
        ssize_t n = p->tls ? gnutls_record_send(p->tls, p->out + at, p->pending - at)
                           : write(p->fd, p->out + at, p->pending - at);
        if (n == GNUTLS_E_INTERRUPTED || n == GNUTLS_E_AGAIN)
            continue;
        if (n <= 0)
            _exit(1);
        at += (size_t)n;
    }
    p->pending = 0;
}

/* Reads more behind what is there. The end of the connection is the end of the process. */
static void fill(struct peer *p)
{
    flush(p);
    memmove(p->in, p->in + p->start, p->end - p->start);
    p->end -= p->start;
    p->start = 0;
    if (p->end == sizeof p->in)
        _exit(1);
    ssize_t n;
    do
        n = p->tls ? gnutls_record_recv(p->tls, p->in + p->end, sizeof p->in - p->end)
                   : read(p->fd, p->in + p->end, sizeof p->in - p->end);
    while (n == GNUTLS_E_INTERRUPTED || n == GNUTLS_E_AGAIN);
    if (n <= 0)
        _exit(0);
    p->end += (size_t)n;
}

static void reply(struct peer *p, const char *text)
{
    size_t len = strlen(text);
    if (len > sizeof p->out - p->pending)
        flush(p);
    memcpy(p->out + p->pending, text, len);
    p->pending += len;
}

/* The next line without its line end; valid until the next read. */
static char *line(struct peer *p)
{
    char *end;
    while ((end = memchr(p->in + p->start, '\n', p->end - p->start)) == NULL)
        fill(p);
    char *text = p->in + p->start;
    p->start = (size_t)(end + 1 - p->in);
    *end = '\0';
    if (end > text && end[-1] == '\r')
        end[-1] = '\0';
    return text;
}

static void secure(struct peer *p)
{
    p->start = p->end = 0;
    if (gnutls_init(&p->tls, GNUTLS_SERVER) != 0 || gnutls_set_default_priority(p->tls) != 0 ||
        gnutls_credentials_set(p->tls, GNUTLS_CRD_CERTIFICATE, p->settings->credentials) != 0)
        _exit(1);
    gnutls_transport_set_int(p->tls, p->fd);
    int rc;
    do
        rc = gnutls_handshake(p->tls);
    while (rc < 0 && !gnutls_error_is_fatal(rc));
    if (rc < 0) {
        fprintf(stderr, "sink: handshake: %s\n", gnutls_strerror(rc));
        _exit(1);
    }
}

static void hello(struct peer *p)
{
    reply(p, "250-sink.example\r\n250-PIPELINING\r\n250-SIZE 1000000000\r\n"
             "250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n");
    if (p->settings->chunking)
        reply(p, "250-CHUNKING\r\n");
    reply(p, p->tls ? "250 AUTH PLAIN\r\n" : "250 STARTTLS\r\n");
}

/* Takes octets up to the final dot, which may stand at the very beginning (RFC 5321, 4.1.1.4). */
static void data(struct peer *p)
{
    static const char mark[] = "\r\n.\r\n";
    const size_t mark_len = sizeof mark - 1;
    reply(p, "354 go on\r\n");
    while (p->end - p->start < 3)
        fill(p);
    if (memcmp(p->in + p->start, ".\r\n", 3) == 0) {
        p->start += 3;
    } else {
        char *end;
        while ((end = memmem(p->in + p->start, p->end - p->start, mark, mark_len)) == NULL) {
            if (p->end - p->start >= mark_len)
                p->start = p->end - (mark_len - 1);
            fill(p);
        }
        p->start = (size_t)(end - p->in) + mark_len;
    }
    reply(p, "250 2.0.0 forgotten\r\n");
}

static void bdat(struct peer *p, const char *arguments)
{
    unsigned long long left = strtoull(arguments, NULL, 10);
    while (left > 0) {
        if (p->start == p->end)
            fill(p);
        size_t n = p->end - p->start;
        if (n > left)
            n = (size_t)left;
        p->start += n;
        left -= n;
    }
    reply(p, "250 2.0.0 forgotten\r\n");
}

static bool is(const char *text, const char *verb)
{
    return strncasecmp(text, verb, strlen(verb)) == 0;
}

static void serve(struct peer *p)
{
    if (p->settings->implicit)
        secure(p);
    reply(p, "220 sink.example ESMTP\r\n");
    for (;;) {
        char *text = line(p);
        if (is(text, "EHLO ")) {
            hello(p);
        } else if (is(text, "STARTTLS")) {
            reply(p, "220 2.0.0 go on\r\n");
            flush(p);
            secure(p);
        } else if (is(text, "AUTH PLAIN")) {
            if (text[strlen("AUTH PLAIN")] == '\0') {
                reply(p, "334 \r\n");
                (void)line(p);
            }
            reply(p, "235 2.7.0 welcome\r\n");
        } else if (is(text, "DATA")) {
            data(p);
        } else if (is(text, "BDAT ")) {
            bdat(p, text + strlen("BDAT "));
        } else if (is(text, "QUIT")) {
            reply(p, "221 2.0.0 bye\r\n");
            flush(p);
            _exit(0);
        } else if (is(text, "MAIL ") || is(text, "RCPT ") || is(text, "RSET")) {
            reply(p, "250 2.0.0 ok\r\n");
        } else {
            reply(p, "500 5.5.1 what?\r\n");
        }
    }
}

static int listen_anywhere(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(fd, LISTEN) != 0 || getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        perror("sink: listen");
        exit(1);
    }
    printf("%d\n", ntohs(address.sin_port));
    (void)fflush(stdout);
    return fd;
}

static void accept_one(int listener, const struct settings *settings)
{
    static struct peer peer;
    const int on = 1;
    int fd = accept(listener, NULL, NULL);
    if (fd < 0)
        return;
    if (fork() == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* the last words of a client may never arrive */
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        (void)close(listener);
        peer.fd = fd;
        peer.settings = settings;
        serve(&peer);
    }
    (void)close(fd);
}

int main(int argc, char **argv)
{
    struct settings settings = {0};
    int option;
    while ((option = getopt(argc, argv, "ci")) != -1) {
        if (option == 'c')
            settings.chunking = true;
        else if (option == 'i')
            settings.implicit = true;
        else
            return 64;
    }
    if (argc - optind != 2 || gnutls_certificate_allocate_credentials(&settings.credentials) != 0 ||
        gnutls_certificate_set_x509_key_file(settings.credentials, argv[optind], argv[optind + 1],
                                             GNUTLS_X509_FMT_PEM) < 0) {
        fprintf(stderr, "usage: sink [-c] [-i] CERTIFICATE KEY\n");
        return 64;
    }
    (void)signal(SIGCHLD, SIG_IGN);
    (void)signal(SIGPIPE, SIG_IGN);
    struct pollfd wait[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
                             {.fd = listen_anywhere(), .events = POLLIN}};
    for (;;) {
        if (poll(wait, 2, -1) < 0 && errno != EINTR)
            return 71;
        if (wait[0].revents != 0)
            return 0;
        if (wait[1].revents != 0)
            accept_one(wait[1].fd, &settings);
    }
}
