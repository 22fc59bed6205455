#include "config.h"
#include "service/listening.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/memory.h"
#include "config/listen.h"
#include "net/socket.h"
#include "cli/environment.h"
#include "submit/serviceuser.h"

enum { FIRST_HANDED_DOWN = 3, UNIX_SOCKETS = 2 };

static void add(struct listening *listening, int fd)
{
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    union listen_address address = {0};
    socklen_t len = sizeof address;
    if (getsockname(fd, &address.any, &len) != 0)
        address.any.sa_family = AF_UNSPEC;
    listening->socket[listening->n++] = (struct listening_socket){
        .fd = fd,
        .open = !listen_is_local(&address),
        .tls_first = listen_port(&address) == LISTEN_TLS_PORT,
    };
}

static bool take_over(struct listening *listening)
{
    const char *pid = environment_get("LISTEN_PID"), *count = environment_get("LISTEN_FDS");
    if (strtol(pid, NULL, 10) != (long)getpid())
        return false;
    long n = strtol(count, NULL, 10);
    for (long i = 0; i < n && i < LISTENING_MAX; i++)
        add(listening, FIRST_HANDED_DOWN + (int)i);
    environment_drop("LISTEN_PID");
    environment_drop("LISTEN_FDS");
    environment_drop("LISTEN_FDNAMES");
    listening->inherited = listening->n > 0;
    return listening->inherited;
}

/* True if a process accepts connections at ADDRESS. */
static bool somebody_listens(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool listens =
        fd >= 0 &&
        (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 || errno == EAGAIN);
    if (fd >= 0)
        (void)close(fd);
    return listens;
}

/* Does for the directory what tmpfiles.d would: root makes it the service's user's. The user that
 * starts the service touches nothing by a path below it, which the service's user could make a
 * link. bind() reports what fails here. */
static void make_directory(const char *path)
{
    struct stat facts;
    uid_t uid = geteuid();
    gid_t gid = getegid();
    (void)serviceuser_find(&uid, &gid);
    (void)mkdir(path, 0755);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return;
    if (fstat(fd, &facts) == 0 && facts.st_uid == geteuid()) {
        (void)fchmod(fd, 0755);
        (void)(uid != facts.st_uid && fchown(fd, uid, gid));
    }
    (void)close(fd);
}

static bool open_unix(struct listening *listening, size_t which, const struct paths *paths,
                      struct error *err)
{
    static const char *const names[] = {"submit", "control"};
    struct str path = {0};
    struct sockaddr_un address;
    str_addf(&path, "%s/%s", paths->rundir, names[which]);
    bool ok = socket_unix_address(&address, str_text(&path)) ||
              error_config(err, "%s: too long for a socket", str_text(&path));
    if (ok && somebody_listens(&address))
        ok = error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_UNAVAILABLE,
                       "%s: a service listens there already", str_text(&path));
    if (!ok) { /* and it is not ours to remove */
        str_clear(&path);
        return false;
    }
    listening->path[which] = str_take(&path);
    (void)unlink(listening->path[which]);
    mode_t before = umask(0111); /* for everybody to connect; a chmod(2) would follow a link */
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ok = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
    (void)umask(before);
    if (!ok || listen(fd, SOMAXCONN) != 0) {
        (void)error_system(err, EX_OSERR, "%s: cannot listen", listening->path[which]);
        if (fd >= 0)
            (void)close(fd);
        return false;
    }
    add(listening, fd);
    return true;
}

static bool bind_tcp(int fd, const union listen_address *address)
{
    int on = 1;
    bool is_v6 = address->any.sa_family == AF_INET6;
    /* IPv4 has a socket of its own where it is wanted. */
    return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
           (!is_v6 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0) &&
           bind(fd, &address->any, is_v6 ? sizeof address->v6 : sizeof address->v4) == 0 &&
           listen(fd, SOMAXCONN) == 0;
}

/* MAY_LACK: that this machine does not have the family is no failure. */
static bool open_tcp(struct listening *listening, const union listen_address *address,
                     bool may_lack, struct error *err)
{
    int fd = socket(address->any.sa_family, SOCK_STREAM, 0);
    if (fd >= 0 && bind_tcp(fd, address)) {
        add(listening, fd);
        return true;
    }
    bool lacks = errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL;
    (void)error_system(err, EX_OSERR, "cannot listen");
    if (fd >= 0)
        (void)close(fd);
    return may_lack && lacks;
}

/* For ":587" one family is enough. */
static bool open_addresses(struct listening *listening, const char *item, struct error *err)
{
    union listen_address address[LISTEN_FAMILIES];
    size_t n = listen_parse(item, address), before = listening->n;
    if (before + n + UNIX_SOCKETS > LISTENING_MAX)
        return error_config(err, "listen: too many addresses");
    for (size_t i = 0; i < n; i++)
        if (!open_tcp(listening, &address[i], n > 1, err))
            return error_prefix(err, "%s", item);
    return listening->n > before || error_prefix(err, "%s", item);
}

bool listening_prepare(struct listening *listening, const struct paths *paths,
                       const struct strlist *listen_on, struct error *err)
{
    *listening = (struct listening){0};
    if (take_over(listening))
        return true;
    make_directory(paths->rundir);
    for (size_t i = 0; i < listen_on->n; i++)
        if (!open_addresses(listening, listen_on->item[i], err))
            return false;
    return true;
}

bool listening_is_open(const struct listening *listening)
{
    for (size_t i = 0; i < listening->n; i++)
        if (listening->socket[i].open)
            return true;
    return false;
}

bool listening_needs_tls(const struct listening *listening)
{
    for (size_t i = 0; i < listening->n; i++)
        if (listening->socket[i].open && listening->socket[i].tls_first)
            return true;
    return false;
}

bool listening_open(struct listening *listening, const struct paths *paths, struct error *err)
{
    return listening->inherited ||
           (open_unix(listening, 0, paths, err) && open_unix(listening, 1, paths, err));
}

void listening_close(struct listening *listening)
{
    for (size_t i = 0; i < listening->n; i++)
        (void)close(listening->socket[i].fd);
    listening->n = 0;
    for (size_t i = 0; i < sizeof listening->path / sizeof *listening->path; i++) {
        if (listening->path[i])
            (void)unlink(listening->path[i]);
        free(listening->path[i]);
        listening->path[i] = NULL;
    }
}

void listening_notify(const char *state)
{
    const char *path = environment_get("NOTIFY_SOCKET");
    struct sockaddr_un address;
    if ((*path != '/' && *path != '@') || !socket_unix_address(&address, path))
        return;
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    if (*path == '@')
        address.sun_path[0] = '\0'; /* Linux's abstract names */
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    (void)sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address, len);
    (void)close(fd);
}
