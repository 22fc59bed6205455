#include "config.h"
#include "service/service.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "config/listen.h"
#include "delivery/spoolpath.h"
#include "submit/listener.h"
#include "submit/report.h"
#include "submit/serviceuser.h"
#include "ctl/metrics.h"
#include "ctl/queuerun.h"
#include "service/listening.h"
#include "service/peer.h"
#include "service/service_session.h"
#include "service/subuid.h"

struct child {
    pid_t pid;
    struct quota_user *user; /* NULL for a run of the queue, as is the next */
    struct quota_session *session;
    bool remote;
    bool leaving; /* it was idle, and was asked to make room */
};

struct service {
    struct site *site;
    struct listening listening;
    struct listener listener;
    struct quota *quota;
    struct quota *addresses; /* the same for those of the network; its sessions are not used */
    struct rendezvous *rendezvous;
    int wake[2];
    struct child *child;
    size_t children, size;
    size_t runs;    /* of them are runs of the queue */
    size_t leaving; /* make room */
    size_t remote;  /* came by the network */
    bool run_wanted;
    int64_t next_run, idle_since;
    pid_t metrics;         /* the child that writes metrics_file, 0: none */
    int64_t next_metrics;  /* not before */
    bool metrics_outdated; /* something happened since they were written */
    bool metrics_fail;     /* they cannot be written, and the log says so */
};

/* A signal handler has no other way. */
static volatile sig_atomic_t must_end, must_reload;

static void note_signal(int number)
{
    if (number == SIGHUP)
        must_reload = 1;
    else if (number != SIGCHLD)
        must_end = 1;
}

static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
enum { SIGNALS = sizeof signals / sizeof *signals };

static void set_signals(void (*handler)(int), int how, sigset_t *before)
{
    struct sigaction action = {.sa_handler = handler};
    sigset_t set;
    (void)sigemptyset(&action.sa_mask);
    (void)sigemptyset(&set);
    for (int i = 0; i < SIGNALS; i++) {
        (void)sigaction(signals[i], &action, NULL);
        (void)sigaddset(&set, signals[i]);
    }
    (void)sigprocmask(how, &set, before);
}

static void log_line(const struct service *v, const char *text)
{
    report_line(v->site->program, "%s", text);
    syslog(LOG_MAIL | LOG_WARNING, "%s", text);
}

/* Files are looked at before each message and each run: correcting one needs no other step. */
static void refresh(struct service *v)
{
    struct error err;
    if (!site_refresh(v->site, &err)) {
        if (v->site->config.n > 0)
            (void)error_prefix(&err, "what was read before is used");
        log_line(v, err.text);
    }
    if (listening_is_open(&v->listening) && !v->site->broken &&
        !listener_refresh(&v->listener, v->site, &err)) {
        (void)error_prefix(&err, "what was read before is used");
        log_line(v, err.text);
    }
    free(v->site->listener_rejected);
    v->site->listener_rejected = v->listener.rejected ? memory_copy(v->listener.rejected) : NULL;
}

static void add_child(struct service *v, const struct child *child)
{
    v->child = memory_grow(v->child, v->children, &v->size, sizeof *v->child);
    v->child[v->children++] = *child;
    if (child->user)
        child->user->connections++;
    else
        v->runs++;
    v->remote += child->remote;
}

static void forget_child(struct service *v, size_t i)
{
    const struct child *child = &v->child[i];
    if (child->user) {
        child->user->connections--;
        child->session->used = false;
    } else {
        v->runs--;
    }
    v->leaving -= child->leaving;
    v->remote -= child->remote;
    v->child[i] = v->child[--v->children];
}

static void reap(struct service *v)
{
    pid_t pid;
    int status;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        rendezvous_forget(v->rendezvous, (int)pid);
        for (size_t i = 0; i < v->children; i++) {
            if (v->child[i].pid != pid)
                continue;
            forget_child(v, i);
            break;
        }
        if (pid == v->metrics) {
            v->metrics = 0;
            v->metrics_fail = status != 0;
            continue;
        }
        v->idle_since = clock_now();
        v->metrics_outdated = true;
    }
}

/* Forks a child that has none of the parent's business, and no key and hash of the listener unless
 * it serves a client of that. 0 in the child. */
static pid_t fork_child(struct service *v, bool remote)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    set_signals(SIG_DFL, SIG_UNBLOCK, NULL);
    for (size_t i = 0; i < v->listening.n; i++)
        (void)close(v->listening.socket[i].fd);
    (void)close(v->wake[0]);
    if (!remote)
        listener_clear(&v->listener);
    return 0;
}

static void start_run(struct service *v)
{
    static const struct runner_filter due = {"", "", "", "", false, false, false, 0};
    v->run_wanted = false;
    v->next_run = clock_after(SERVICE_TICK);
    refresh(v);
    pid_t pid = fork_child(v, false);
    if (pid > 0)
        add_child(v, &(struct child){.pid = pid});
    if (pid != 0)
        return;
    const struct queuerun run = {.rendezvous = v->rendezvous, .filter = due};
    _exit(queuerun_level(&run, v->site, SCOPE_SYSTEM, NULL));
}

static bool wants_metrics(const struct service *v)
{
    const char *file = v->site->config.service.metrics_file; /* NULL: nothing could be read */
    return v->metrics_outdated && v->metrics == 0 && file && *file;
}

/* In a child: a long queue takes its time. */
static void start_metrics(struct service *v)
{
    struct error err;
    v->next_metrics = clock_after(SERVICE_TICK);
    pid_t pid = fork_child(v, false);
    v->metrics_outdated = pid < 0;
    if (pid > 0) {
        v->metrics = pid;
        add_child(v, &(struct child){.pid = pid});
    }
    if (pid != 0)
        return;
    bool ok = metrics_write(v->site->config.service.metrics_file, v->site, &err);
    if (!ok && !v->metrics_fail)
        log_line(v, err.text);
    _exit(ok ? EX_OK : err.code);
}

static bool found_one(void *context, const char *name)
{
    (void)name;
    *(bool *)context = true;
    return false;
}

static bool queue_is_empty(const struct service *v)
{
    struct str path = {0};
    struct spool spool = {0};
    struct error ignored; /* what cannot be read is not waited for */
    bool found = false;
    if (spoolpath_find(&path, v->site, SCOPE_SYSTEM) &&
        spool_open(&spool, str_text(&path), false, &ignored))
        (void)spool_each(&spool, SPOOL_QUEUE, found_one, &found, &ignored);
    spool_close(&spool);
    str_clear(&path);
    return !found;
}

static void send_away(int client, const char *why)
{
    (void)send(client, why, strlen(why), MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)close(client);
}

/* Asks the session that has been idle longest to end; for a remote peer, of the remote ones. False:
 * none has been idle for long enough. */
static bool make_room(struct service *v, bool remote)
{
    struct child *longest = NULL;
    long long since = (long long)clock_now() - SERVICE_IDLE_MIN;
    for (size_t i = 0; i < v->children; i++) {
        struct child *child = &v->child[i];
        long long idle_since = child->session ? atomic_load(&child->session->idle_since) : 0;
        if (idle_since == 0 || idle_since > since || child->leaving || (remote && !child->remote))
            continue;
        longest = child;
        since = idle_since;
    }
    if (!longest)
        return false;
    longest->leaving = true;
    v->leaving++;
    return kill(longest->pid, SIGTERM) == 0;
}

/* The network gets half of the connections: its strangers keep no process of this machine out. */
static bool has_room(const struct service *v, const struct quota_user *user, bool remote)
{
    long connections = v->site->config.service.connections;
    size_t sessions = v->children - v->runs - v->leaving;
    return sessions < (size_t)quota_share(user, connections) &&
           (!remote || v->remote < (size_t)(connections + 1) / 2);
}

static struct quota_user *user_of(struct service *v, const struct peer *peer)
{
    if (peer->remote)
        return quota_of(v->addresses, peer->id, clock_now());
    return quota_of(v->quota, peer->known ? subuid_owner(v->site->paths, peer->uid) : peer->uid,
                    clock_now());
}

/* A place for PEER; NULL, and *WHY as a reply, if there is none. */
static struct quota_session *open_session(struct service *v, const struct peer *peer,
                                          const struct quota_user *user, const char **why)
{
    *why = "421 4.3.2 Too many connections\r\n";
    if (peer->remote && !v->listener.ready) {
        *why = "421 4.3.5 System incorrectly configured\r\n";
        return NULL;
    }
    if (peer->remote && !listener_admits(&v->listener, &peer->address)) {
        *why = "554 5.7.1 Access denied: your address is not in allow_networks\r\n";
        return NULL;
    }
    if (user && user->connections >= v->site->config.service.connections_per_user) {
        *why = "421 4.7.0 Too many connections of this user\r\n";
        return NULL;
    }
    if (!user || (!has_room(v, user, peer->remote) && !make_room(v, peer->remote)))
        return NULL;
    return quota_open_session(v->quota);
}

static void receive(struct service *v, int client, const struct listening_socket *listener)
{
    struct peer peer;
    const char *why;
    peer_identify(&peer, client, listener);
    struct quota_user *user = user_of(v, &peer);
    struct quota_session *session = open_session(v, &peer, user, &why);
    if (!session) {
        send_away(client, why);
        return;
    }
    pid_t pid = fork_child(v, peer.remote);
    if (pid < 0) {
        session->used = false;
        send_away(client, "421 4.3.2 Service not available: cannot start a process\r\n");
        return;
    }
    if (pid == 0) {
        const struct service_session mine = {
            .site = v->site,
            .user = user,
            .slot = session,
            .peer = &peer,
            .listener = &v->listener,
            .rendezvous = v->rendezvous,
            .client = client,
            .wake = v->wake[1],
            .quota = v->quota,
        };
        _exit(service_session_run(&mine));
    }
    add_child(v, &(struct child){pid, user, session, peer.remote, false});
    (void)close(client);
}

static void accept_some(struct service *v, const struct listening_socket *listener)
{
    enum { AT_ONCE = 32 }; /* then children are looked after again */
    for (int i = 0; i < AT_ONCE; i++) {
        int client = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
        if (client < 0)
            return;
        v->idle_since = clock_now();
        refresh(v);
        receive(v, client, listener);
    }
}

static void empty_wake_pipe(struct service *v)
{
    char buffer[512];
    while (read(v->wake[0], buffer, sizeof buffer) > 0)
        v->run_wanted = true;
}

/* Milliseconds until something is to be done without being asked. */
static int64_t next_moment(const struct service *v)
{
    int64_t next = v->next_run;
    int64_t idle = v->site->config.service.idle;
    if (wants_metrics(v) && v->next_metrics < next)
        next = v->next_metrics;
    if (v->listening.inherited && idle > 0 && v->children == 0 && v->idle_since + idle < next)
        next = v->idle_since + idle;
    return next;
}

static bool is_idle(struct service *v)
{
    int64_t idle = v->site->config.service.idle;
    if (!v->listening.inherited || idle <= 0 || v->children > 0 || v->run_wanted ||
        wants_metrics(v) || clock_now() - v->idle_since < idle)
        return false;
    if (queue_is_empty(v))
        return true;
    v->idle_since = clock_now(); /* mail that waits is work */
    return false;
}

/* As ppoll(2), until MOMENT. */
static int poll_until(int64_t moment, struct pollfd *fds, size_t n, const sigset_t *unblocked)
{
    int timeout = clock_poll_timeout(moment);
    struct timespec span = {timeout / 1000, timeout % 1000 * 1000000L};
    return ppoll(fds, n, &span, unblocked);
}

static void wait_for_work(struct service *v, const sigset_t *unblocked)
{
    struct pollfd fds[LISTENING_MAX + 1];
    size_t n = v->listening.n;
    for (size_t i = 0; i < n; i++)
        fds[i] = (struct pollfd){.fd = v->listening.socket[i].fd, .events = POLLIN};
    fds[n] = (struct pollfd){.fd = v->wake[0], .events = POLLIN};
    if (poll_until(next_moment(v), fds, n + 1, unblocked) <= 0)
        return;
    if (fds[n].revents)
        empty_wake_pipe(v);
    for (size_t i = 0; i < n; i++)
        if (fds[i].revents)
            accept_some(v, &v->listening.socket[i]);
}

static void serve(struct service *v, const sigset_t *unblocked)
{
    v->idle_since = clock_now();
    v->run_wanted = v->metrics_outdated = true;
    while (!must_end && !is_idle(v)) {
        if (must_reload) {
            must_reload = 0;
            listening_notify("RELOADING=1");
            str_clear(&v->site->seen); /* asked for: it is read whether it changed or not */
            refresh(v);
            listening_notify("READY=1");
        }
        if (v->next_run <= clock_now()) {
            v->next_run = clock_after(SERVICE_TICK);
            v->run_wanted = v->run_wanted || !queue_is_empty(v);
        }
        if (v->run_wanted && v->runs < SERVICE_RUNS_MAX)
            start_run(v);
        if (wants_metrics(v) && v->next_metrics <= clock_now())
            start_metrics(v);
        wait_for_work(v, unblocked);
        reap(v);
    }
}

/* No new client is accepted; the present ones get time, then SIGTERM, then SIGKILL. */
static void end(struct service *v, const sigset_t *unblocked)
{
    static const int steps[] = {0, SIGTERM, SIGKILL};
    listening_notify("STOPPING=1");
    listening_close(&v->listening);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        for (size_t k = 0; steps[i] && k < v->children; k++)
            (void)kill(v->child[k].pid, steps[i]);
        int64_t deadline = clock_after(SERVICE_PATIENCE);
        for (reap(v); v->children > 0 && clock_now() < deadline; reap(v))
            (void)poll_until(deadline, NULL, 0, unblocked);
    }
}

/* A port that a service manager opened is in no `listen`, which listen_check() goes by. */
static bool check_tls_port(const struct service *v, struct error *err)
{
    const struct site *site = v->site;
    if (site->broken || v->listener.tls || !listening_needs_tls(&v->listening))
        return true;
    (void)error_config(err, "port 465 needs TLS: add tls_cert_file and tls_key_file");
    return error_prefix(err, "%s", site->config.found[SCOPE_SYSTEM].path);
}

static bool open_up(struct service *v, struct error *err)
{
    /* The files of the user that started the service are not read. */
    v->site->caller.home = v->site->caller.config_home = v->site->caller.state_home = "";
    v->site->caller.is_service = true;
    refresh(v);
    const struct site *site = v->site;
    const struct service_settings *service = &site->config.service;
    /* Before anything listens: what is missing in the file is said first. */
    if (!site->broken && listen_is_open(service) &&
        !listen_check(service, site->config.found[SCOPE_SYSTEM].path, err))
        return false;
    if (!listening_prepare(&v->listening, site->paths, &service->listen, err) ||
        !serviceuser_become(err) || !listening_open(&v->listening, site->paths, err))
        return false;
    if (listening_is_open(&v->listening) && !site->broken &&
        !listener_refresh(&v->listener, site, err))
        return false;
    if (!check_tls_port(v, err))
        return false;
    v->quota = quota_new();
    v->addresses = quota_new();
    v->rendezvous = rendezvous_new();
    if (!v->quota || !v->addresses || !v->rendezvous || pipe2(v->wake, O_CLOEXEC | O_NONBLOCK) != 0)
        return error_system(err, EX_OSERR, "cannot start");
    return true;
}

int service_run(struct site *site)
{
    struct service v = {.site = site, .wake = {-1, -1}};
    struct error err;
    sigset_t before;
    int code = EX_OK;
    set_signals(note_signal, SIG_BLOCK, &before);
    if (open_up(&v, &err)) {
        listening_notify("READY=1");
        serve(&v, &before);
        end(&v, &before);
    } else {
        report_error(site->program, &err);
        listening_close(&v.listening);
        code = err.code;
    }
    listener_clear(&v.listener);
    free(v.child);
    return code;
}
