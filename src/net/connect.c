#include "config.h"
#include "net/connect.h"

#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/translation.h"
#include "net/socket.h"

struct race {
    const struct resolve_list *list;
    const struct resolve_address *source; /* NULL: any */
    size_t started;                       /* addresses whose turn has come */
    size_t running;
    int fd[CONNECT_ADDRESSES_MAX];      /* -1: not running */
    int failure[CONNECT_ADDRESSES_MAX]; /* errno; 0: not failed */
};

static int lose(struct race *race, size_t i, int number)
{
    if (race->fd[i] >= 0) {
        (void)close(race->fd[i]); /* not connected */
        race->running--;
    }
    race->fd[i] = -1;
    race->failure[i] = number;
    return -1;
}

/* Begins to connect to the next address. Returns a descriptor if it is connected at once, as on
 * loopback, else -1. */
static int start_next(struct race *race)
{
    size_t i = race->started++;
    const struct resolve_address *to = &race->list->item[i];
    int family = to->address.ss_family, on = 1;
    if (race->source && race->source->address.ss_family != family)
        return lose(race, i, EADDRNOTAVAIL);
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
    if (fd < 0)
        return lose(race, i, errno);
    race->fd[i] = fd;
    race->running++;
    /* Without it only the last, small segment of each group would wait: slower, not wrong. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const struct resolve_address *from = race->source;
    if (from && bind(fd, (const struct sockaddr *)&from->address, from->len) != 0)
        return lose(race, i, errno);
    if (connect(fd, (const struct sockaddr *)&to->address, to->len) == 0)
        return (int)i;
    if (errno != EINPROGRESS && errno != EINTR)
        return lose(race, i, errno);
    return -1;
}

/* Waits for one of those that run. Returns the index of the winner, or -1. */
static int wait_for_winner(struct race *race, int64_t until)
{
    struct pollfd fds[CONNECT_ADDRESSES_MAX];
    size_t index[CONNECT_ADDRESSES_MAX];
    nfds_t n = 0;
    for (size_t i = 0; i < race->started; i++)
        if (race->fd[i] >= 0) {
            index[n] = i;
            fds[n++] = (struct pollfd){.fd = race->fd[i], .events = POLLOUT};
        }
    if (poll(fds, n, clock_poll_timeout(until)) <= 0)
        return -1; /* time for the next, or a signal: the caller looks at the clock again */
    for (nfds_t k = 0; k < n; k++) {
        int number = 0;
        socklen_t len = sizeof number;
        if (!fds[k].revents)
            continue;
        if (getsockopt(fds[k].fd, SOL_SOCKET, SO_ERROR, &number, &len) != 0)
            number = errno;
        if (number == 0)
            return (int)index[k];
        (void)lose(race, index[k], number);
    }
    return -1;
}

/* Runs the race. Returns the index of the winner, or -1. */
static int run(struct race *race, int64_t deadline)
{
    int64_t next = clock_now();
    for (;;) {
        int winner = -1;
        while (winner < 0 && race->started < race->list->n &&
               (race->running == 0 || clock_now() >= next)) {
            winner = start_next(race);
            next = clock_now() + CONNECT_STAGGER;
        }
        if (winner >= 0 || race->running == 0)
            return winner;
        bool more = race->started < race->list->n;
        winner = wait_for_winner(race, more && next < deadline ? next : deadline);
        if (winner >= 0 || clock_poll_timeout(deadline) == 0)
            return winner;
    }
}

static bool report_losses(const struct race *race, struct error *err)
{
    struct str text = {0}, shown = {0};
    for (size_t i = 0; i < race->started; i++) {
        int number = race->failure[i] ? race->failure[i] : ETIMEDOUT;
        const char *address = race->list->item[i].text, *why = strerror(number);
        str_addf(&text, "%s%s: %c%s", i ? "; " : "", address, tolower((unsigned char)why[0]),
                 why + 1);
        str_addf(&shown, "%s%s: %s", i ? "; " : "", address, translation_of_errno(number));
    }
    (void)error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL, "cannot connect: %s",
                    str_text(&text));
    error_show(err, "cannot connect: %s", str_text(&shown));
    str_clear(&text);
    str_clear(&shown);
    err->finding = FINDING_UNREACHABLE;
    return false;
}

bool connect_race(const struct connect_params *params, const struct resolve_list *list,
                  struct connect_result *result, struct error *err)
{
    struct resolve_list source = {.n = 0};
    struct race race = {.list = list};
    memset(race.fd, -1, sizeof race.fd);
    if (params->source_ip && *params->source_ip) {
        if (!resolve_host(params->source_ip, 0, 0, &source, err) || source.n == 0)
            return error_config(err, "source_ip: %s is not an IP address", params->source_ip);
        race.source = &source.item[0];
    }
    int winner = run(&race, params->deadline);
    if (winner >= 0) {
        result->stream = socket_stream(race.fd[winner]);
        memcpy(result->address, list->item[winner].text, sizeof result->address);
        race.fd[winner] = -1;
    }
    for (size_t i = 0; i < race.started; i++)
        if (race.fd[i] >= 0)
            (void)close(race.fd[i]); /* too late */
    return winner >= 0 || report_losses(&race, err);
}

bool connect_host(const struct connect_params *params, struct connect_result *result,
                  struct error *err)
{
    struct resolve_list list = {.n = 0};
    return resolve_host(params->host, params->port, params->deadline, &list, err) &&
           connect_race(params, &list, result, err);
}
