#include "config.h"
#include "service/service_session.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/clock.h"
#include "base/memory.h"
#include "message/complete.h"
#include "config/variables.h"
#include "net/socket.h"
#include "delivery/fence.h"
#include "delivery/spoolpath.h"
#include "cli/caller_find.h"
#include "submit/send_context.h"
#include "submit/smtp_frontend.h"
#include "service/control_flush.h"
#include "service/control_server.h"

struct client {
    const struct service_session *session;
    struct site site; /* the service's, but for the caller */
    struct send_context sending;
    struct network_client network; /* where the peer is remote */
    struct str received;
};

/* The protocol's name is one of RFC 3848. */
static void add_remote(struct str *out, const struct client *client)
{
    const struct network_client *network = &client->network;
    const struct user *user = network->user;
    str_addf(out, "from [%s%s]", strchr(network->address, ':') ? "IPv6:" : "", network->address);
    if (user)
        str_addf(out, " (authenticated as %s)", user->name);
    str_addf(out, "\n by %s (onehop) with ESMTP%s%s", this_host_best_name(&client->site.host),
             network->secured ? "S" : "", user ? "A" : "");
}

static void set_received(struct client *client)
{
    const struct peer *peer = client->session->peer;
    const char *name = this_host_best_name(&client->site.host);
    struct str *out = &client->received;
    str_truncate(out, 0);
    if (peer->remote)
        add_remote(out, client);
    else if (peer->known)
        str_addf(out, "by %s (onehop, from uid %lu)", name, (unsigned long)peer->uid);
    else
        str_addf(out, "by %s (onehop, from a local port)", name);
    str_add(out, ";\n ");
    complete_date(out, (time_t)clock_wall());
    client->sending.received = str_text(out);
}

static bool admit(void *context, struct server_reply *reply)
{
    struct client *client = context;
    const struct service_session *r = client->session;
    if (r->peer->remote) /* for people: no user of this machine */
        client->site.caller.name =
            client->network.user ? client->network.user->name : r->peer->text;
    set_received(client);
    if (client->site.broken) {
        server_reply_set(reply, 451, "4.3.5", "System incorrectly configured: %s",
                         client->site.broken);
        return false;
    }
    long limit = client->site.config.service.messages_per_hour;
    if (r->peer->uid == 0 || quota_take(r->user, limit))
        return true;
    server_reply_set(reply, 452, "4.7.0", "Too many messages from %s: the limit is %ld an hour",
                     client->site.caller.name, limit);
    return false;
}

static bool admit_octets(struct send_context *s, uint64_t size, struct error *err)
{
    const struct client *client = s->context;
    const struct service_session *r = client->session;
    int64_t limit = client->site.config.service.octets_per_hour;
    if (r->peer->uid == 0 || quota_take_octets(r->user, size, limit))
        return true;
    (void)error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL,
                    "Too much mail from %s: the limit is %lld octets an hour",
                    client->site.caller.name, (long long)limit);
    (void)snprintf(err->status, sizeof err->status, "%s", SPOOL_FULL);
    return false;
}

/* The entry is durable: the runner does the rest, and reports the result if the caller waits. */
static int hand_on(struct send_context *s, struct entry_lock *lock)
{
    const struct client *client = s->context;
    const struct service_session *r = client->session;
    int mode = s->submission.account->delivery_mode;
    int place = mode == MODE_INTERACTIVE ? rendezvous_take(r->rendezvous, s->id) : -1;
    entry_lock_release(lock);
    if (mode != MODE_QUEUE && write(r->wake, "", 1) < 0)
        errno = 0; /* it is full of wishes to wake up */
    struct rendezvous_answer answer;
    bool lost = false;
    if (place >= 0 && rendezvous_wait(r->rendezvous, place, r->client, &answer, &lost)) {
        s->error = answer.error;
        return answer.code;
    }
    if (lost) /* refused or sent, that is not known: mail that comes twice is better than lost mail
               */
        (void)error_set(&s->error, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL,
                        "what became of the message is not known");
    return lost ? EX_TEMPFAIL : EX_OK;
}

/* The client to say goodbye to when the session is asked to make room; -1 while it is not idle, and
 * where TLS would have to be spoken. */
static volatile sig_atomic_t idle_client = -1;

static void leave(int number)
{
    static const char goodbye[] = "421 4.3.2 Too many connections, closing an idle one\r\n";
    (void)number;
    if (idle_client >= 0 &&
        send(idle_client, goodbye, sizeof goodbye - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        _exit(EX_IOERR);
    _exit(EX_TEMPFAIL);
}

static void wait_for_command(void *context, bool idle)
{
    const struct client *client = context;
    idle_client = idle && !client->network.secured ? client->session->client : -1;
    atomic_store(&client->session->slot->idle_since, idle ? (long long)clock_now() : 0);
}

static void begin(struct client *client, const struct invocation *call)
{
    const struct service_session *r = client->session;
    struct send_context *s = &client->sending;
    client->site = *r->site; /* which this process does not close */
    client->site.program = call->program;
    client->site.storage = (struct caller_storage){0};
    caller_find_peer(&client->site.caller, &client->site.storage, r->peer->uid);
    client->site.caller.as_sendmail = true; /* msmtp and onehop send by an msmtprc themselves */
    send_context_begin(s, call, &client->site);
    s->here = true;
    s->dialogue = stderr;
    s->hand_on = hand_on;
    s->admit = admit_octets;
    s->context = client;
}

/* No fence can be set up around a spool that is yet to be made. */
static void make_spool(const char *path)
{
    struct spool spool = {0};
    struct error ignored; /* the first message hears of it */
    (void)spool_open(&spool, path, true, &ignored);
    spool_close(&spool);
}

/* A session reads what others write: taken over, it finds no password and no way out. It keeps to
 * what the parent read as the client connected. */
static void confine(const struct client *client)
{
    struct str spool = {0};
    (void)spoolpath_find(&spool, &client->site, SCOPE_SYSTEM); /* the system's is always known */
    configuration_wipe_passwords(&client->site.config);
    variables_wipe_password(&client->session->site->caller);
    if (client->session->peer->control) {
        (void)fence_control(str_text(&spool));
    } else {
        make_spool(str_text(&spool));
        (void)fence_session(&client->site, str_text(&spool));
    }
    str_clear(&spool);
}

static void meet_network(struct client *client)
{
    const struct service_session *r = client->session;
    client->network = (struct network_client){
        .listener = r->listener,
        .address = r->peer->text,
        .failures = &r->user->failures,
        .trusted = listener_trusts(r->listener, &r->peer->address),
    };
}

static bool begin_tls(struct client *client, struct stream **stream)
{
    if (client->network.listener->tls)
        *stream = network_client_secure(&client->network, *stream,
                                        clock_after(SMTP_FRONTEND_LOGIN_TOTAL));
    return client->network.secured;
}

static bool serve_mail(struct client *client, struct stream **stream)
{
    const struct service_session *r = client->session;
    confine(client);
    struct smtp_frontend frontend = {
        .s = &client->sending,
        .extension = r->peer->known ? SMTP_FRONTEND_EXTENSION : "",
        .size_max = (uint64_t)r->site->config.service.size,
        .timeout = SERVICE_SESSION_TIMEOUT,
        .total = SERVICE_SESSION_TOTAL,
        .admit = admit,
        .wait = wait_for_command,
        .context = client,
        .network = r->peer->remote ? &client->network : NULL,
    };
    if (r->peer->remote && r->peer->tls_first && !begin_tls(client, stream))
        return false;
    const struct sigaction leaves = {.sa_handler = leave};
    (void)sigaction(SIGTERM, &leaves, NULL);
    return smtp_frontend_run(&frontend, stream);
}

/* The process that serves the client. */
static volatile sig_atomic_t client_process;

static void end_both(int number)
{
    (void)number;
    (void)kill((pid_t)client_process, SIGTERM);
    _exit(EX_TEMPFAIL);
}

/* Two processes: one serves the client, confined, and one runs the queue if the first asks for
 * that. */
static int serve_control(struct client *client)
{
    const struct sigaction ends = {.sa_handler = end_both};
    struct control_server control = {.site = &client->site, .user = client->session->user};
    int fd;
    pid_t child = channel_fork(&fd);
    if (child <= 0) { /* without a second process, nothing is run */
        confine(client);
        control.flush = fd;
        struct stream *stream = socket_stream(client->session->client);
        int code = control_server_run(&control, stream);
        stream_close(stream);
        return code;
    }
    client_process = child;
    (void)sigaction(SIGTERM, &ends, NULL);
    (void)close(client->session->client); /* the client sees the end when the other one closes */
    control_flush_serve(fd, &client->site, client->session);
    int status = channel_end(fd, child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE;
}

int service_session_run(const struct service_session *session)
{
    static const struct invocation call = {
        .program = "onehop",
        .personality = PERSONALITY_ONEHOP,
        .envid = "",
        .wishes = {.account = "", .full_name = ""},
        .queue = {"", "", "", false},
    };
    struct client *client = memory_new(sizeof *client);
    client->session = session;
    begin(client, &call);
    if (session->peer->control)
        return serve_control(client);
    struct stream *stream = socket_stream(session->client);
    if (session->peer->remote)
        meet_network(client);
    bool ok = serve_mail(client, &stream);
    stream_close(stream);
    return ok ? EX_OK : EX_IOERR;
}
