#include "config.h"
#include "token/loopback.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/filewrite.h"
#include "config/keycheck.h"

enum { BROWSER_TIME = 10000 }; /* milliseconds that a connection may take for its request */

static int listen_at(bool six, int port)
{
    struct sockaddr_in6 address6 = {.sin6_family = AF_INET6,
                                    .sin6_addr = IN6ADDR_LOOPBACK_INIT,
                                    .sin6_port = htons((uint16_t)port)};
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((uint16_t)port)};
    const struct sockaddr *any = six ? (struct sockaddr *)&address6 : (struct sockaddr *)&address;
    int one = 1;
    int fd = socket(any->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
        bind(fd, any, six ? sizeof address6 : sizeof address) == 0 && listen(fd, 8) == 0)
        return fd;
    int number = errno;
    if (fd >= 0)
        (void)close(fd); /* nothing came */
    errno = number;
    return -1;
}

static int port_of(int fd)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        return 0;
    return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                               : ((struct sockaddr_in *)&address)->sin_port);
}

bool loopback_open(struct loopback *loopback, const char *redirect, int answers, struct error *err)
{
    size_t host = keycheck_loopback(redirect);
    *loopback = (struct loopback){.listener = -1, .answers = answers, .pasted = {.secret = true}};
    if (host == 0) {
        str_add(&loopback->uri, redirect);
        return true;
    }
    const char *port = redirect + host, *path = port + strcspn(port, "/");
    loopback->listener =
        listen_at(port[-1] == ']', *port == ':' ? (int)strtol(port + 1, NULL, 10) : 0);
    if (loopback->listener < 0)
        return error_system(err, EX_TEMPFAIL, "cannot listen for the browser at %s", redirect);
    loopback->port = port_of(loopback->listener);
    str_add_n(&loopback->uri, redirect, host);
    str_addf(&loopback->uri, ":%d%s", loopback->port, path);
    str_add(&loopback->path, *path ? path : "/");
    return true;
}

/* Reads the head of a request: what is unread when a connection is closed resets it. False: none
 * came in time. */
static bool read_request(int fd, struct str *line)
{
    int64_t deadline = clock_after(BROWSER_TIME);
    char data[2048];
    while (!strstr(str_text(line), "\r\n\r\n")) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        if (poll(&wait, 1, clock_poll_timeout(deadline)) <= 0)
            return false;
        ssize_t n = read(fd, data, sizeof data);
        if (n <= 0 || line->len + (size_t)n > LOOPBACK_LINE_MAX)
            return false;
        str_add_n(line, data, (size_t)n);
    }
    return true;
}

/* "GET PATH?QUERY HTTP/1.1": appends the query if the path is ours. */
static bool take_request(const struct loopback *loopback, const char *line, struct str *query)
{
    if (strncmp(line, "GET ", 4) != 0)
        return false;
    line += 4;
    size_t len = strcspn(line, " \r\n"), path = strcspn(line, "? \r\n");
    if (path != loopback->path.len || strncmp(line, loopback->path.data, path) != 0 || path == len)
        return false;
    str_add_n(query, line + path + 1, len - path - 1);
    return true;
}

static void answer(int client, const char *status, const char *text)
{
    struct str page = {0};
    str_addf(&page,
             "HTTP/1.1 %s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %zu\r\n"
             "Cache-Control: no-store\r\nConnection: close\r\n\r\n%s\n",
             status, strlen(text) + 1, text);
    (void)filewrite_all(client, page.data, page.len); /* the person sees it on the terminal, too */
    str_clear(&page);
    (void)shutdown(client, SHUT_WR); /* it may be gone */
    (void)close(client);             /* the same */
}

void loopback_reply(int client, bool ok, const char *text)
{
    if (client >= 0)
        answer(client, ok ? "200 OK" : "400 Bad Request", text);
}

static int remove_client(struct loopback *loopback, size_t i)
{
    int client = loopback->clients[i];
    loopback->connected--;
    for (; i < loopback->connected; i++)
        loopback->clients[i] = loopback->clients[i + 1];
    return client;
}

static void add_client(struct loopback *loopback)
{
    int client = accept4(loopback->listener, NULL, NULL, SOCK_CLOEXEC);
    if (client < 0)
        return;
    if (loopback->connected == LOOPBACK_CLIENTS_MAX)
        (void)close(remove_client(loopback, 0)); /* it asked nothing */
    loopback->clients[loopback->connected++] = client;
}

/* True if the client I, which has something to say, brought an answer. */
static bool take_client(struct loopback *loopback, size_t i, struct str *query, int *client)
{
    struct str line = {.secret = true};
    *client = remove_client(loopback, i);
    bool found = read_request(*client, &line) && take_request(loopback, str_text(&line), query);
    if (!found) {
        answer(*client, "404 Not Found", "onehop waits for the answer of a login here.");
        *client = -1;
    }
    str_clear(&line);
    return found;
}

/* The last line may have no line end. */
static void read_pasted(struct loopback *loopback)
{
    char data[2048];
    ssize_t n = read(loopback->answers, data, sizeof data);
    if (n > 0 && loopback->pasted.len <= LOOPBACK_LINE_MAX) {
        str_add_n(&loopback->pasted, data, (size_t)n);
        explicit_bzero(data, sizeof data);
        return;
    }
    loopback->answers = -1;
    if (loopback->pasted.len > 0)
        str_add(&loopback->pasted, "\n");
}

/* True if one of the lines that were pasted is an address with a query, or a code. */
static bool take_pasted(struct loopback *loopback, struct str *query)
{
    const char *end;
    while (query->len == 0 && (end = strchr(str_text(&loopback->pasted), '\n'))) {
        const char *text = str_text(&loopback->pasted), *begin = text + strspn(text, " \t");
        const char *mark = strpbrk(begin, "?\n");
        if (mark && *mark == '?')
            begin = mark + 1;
        str_add_n(query, begin, strcspn(begin, " \t\r\n#"));
        str_consume(&loopback->pasted, (size_t)(end - text) + 1);
    }
    return query->len > 0;
}

bool loopback_wait(struct loopback *loopback, int64_t deadline, struct str *query, int *client,
                   struct error *err)
{
    enum { BEFORE = 2 };
    *client = -1;
    while (!take_pasted(loopback, query)) {
        struct pollfd wait[BEFORE + LOOPBACK_CLIENTS_MAX] = {
            {.fd = loopback->listener, .events = POLLIN},
            {.fd = loopback->answers, .events = POLLIN}};
        size_t clients = loopback->connected;
        for (size_t i = 0; i < clients; i++)
            wait[BEFORE + i] = (struct pollfd){.fd = loopback->clients[i], .events = POLLIN};
        int ready = loopback->listener >= 0 || loopback->answers >= 0
                        ? poll(wait, BEFORE + clients, clock_poll_timeout(deadline))
                        : 0;
        if (ready == 0)
            return error_set(err, ERROR_ACCOUNT, ERROR_PERMANENT, EX_NOPERM, "no answer came");
        size_t speaks = 0;
        while (speaks < clients && !wait[BEFORE + speaks].revents)
            speaks++;
        if (ready > 0 && wait[1].revents)
            read_pasted(loopback);
        if (ready > 0 && speaks < clients && take_client(loopback, speaks, query, client))
            return true;
        if (ready > 0 && wait[0].revents)
            add_client(loopback);
    }
    return true;
}

void loopback_close(struct loopback *loopback)
{
    while (loopback->connected > 0)
        (void)close(remove_client(loopback, 0)); /* they asked nothing */
    if (loopback->listener >= 0)
        (void)close(loopback->listener); /* nothing is lost with it */
    str_clear(&loopback->uri);
    str_clear(&loopback->path);
    str_clear(&loopback->pasted);
    loopback->listener = loopback->answers = -1;
}
