#include "config.h"
#include "service/service_session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "message/complete.h"
#include "net/socket.h"
#include "submit/send_context.h"
#include "submit/smtp_frontend.h"
#include "service/control_server.h"

struct client {
    const struct reception *reception;
    struct sending sending;
    struct desk desk;
};

static bool admit(void *context, struct server_reply *reply)
{
    const struct client *client = context;
    const struct reception *r = client->reception;
    if (*r->trouble) {
        server_reply_set(reply, 451, "4.3.5", "the configuration is broken: %s", r->trouble);
        return false;
    }
    long limit = r->config->service.messages_per_hour;
    if ((r->known && r->user->uid == 0) || quota_take(r->user, limit))
        return true;
    server_reply_set(reply, 452, "4.7.0", "%s has submitted %ld messages in this hour, the limit",
                     client->sending.caller.name, limit);
    return false;
}

/* The entry is durable: the runner does the rest, and if the caller waits we hear of it. */
static int hand_on(struct sending *s, struct claim *claim)
{
    const struct client *client = s->context;
    const struct reception *r = client->reception;
    enum account_mode mode = sending_mode(s);
    int place = mode == MODE_INTERACTIVE ? waiting_take(r->waiting, s->id) : -1;
    claim_release(claim);
    if (mode != MODE_QUEUE && write(r->wake, "", 1) < 0)
        errno = 0; /* it is full of wishes to wake up */
    struct waiting_answer answer;
    bool lost = false;
    if (place >= 0 && waiting_wait(r->waiting, place, r->client, &answer, &lost)) {
        s->error = answer.error;
        return answer.code;
    }
    if (lost) /* refused or sent, nobody knows: what comes twice is better than what is lost */
        (void)error_set(&s->error, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL,
                        "what became of the message is not known");
    return lost ? EX_TEMPFAIL : EX_OK;
}

static bool command(void *context, const char *line, struct server_reply *reply, bool *end)
{
    struct client *client = context;
    if (!client->reception->known || strncmp(line, "XQUEUE ", 7) != 0)
        return false;
    *end = true;
    desk_serve(&client->desk, line + 7, reply);
    return true;
}

static void add_received(const struct client *client, struct str *out)
{
    const struct this_host *host = &client->sending.host;
    str_addf(out, "by %s (onehop, ", *host->full_name ? host->full_name : host->name);
    if (client->reception->known)
        str_addf(out, "from uid %lu)", (unsigned long)client->reception->user->uid);
    else
        str_add(out, "from a local port)");
    str_add(out, ";\n ");
    complete_date(out, time(NULL));
}

static void begin(struct client *client, const struct invocation *call)
{
    const struct reception *r = client->reception;
    struct sending *s = &client->sending;
    sending_begin(s, call, r->paths);
    caller_clear(&s->storage);
    caller_find_peer(&s->caller, &s->storage, r->known ? r->user->uid : (uid_t)-1);
    s->config = *r->config; /* the parent's: this process does not clear it */
    s->has_config = s->here = true;
    s->dialogue = stderr;
    s->hand_on = hand_on;
    s->context = client;
    client->desk = (struct desk){
        .paths = r->paths,
        .config = r->config,
        .caller = &s->caller,
        .host = &s->host,
        .user = r->user,
    };
}

int reception_run(const struct reception *reception)
{
    static const struct invocation call = {
        .program = "onehop",
        .personality = PERSONALITY_ONEHOP,
        .envid = "",
        .wishes = {.account = "", .full_name = ""},
        .queue = {"", "", "", false},
    };
    struct client *client = memory_new(sizeof *client);
    struct str received = {0};
    client->reception = reception;
    begin(client, &call);
    add_received(client, &received);
    client->sending.received = str_text(&received);
    struct serving serving = {
        .s = &client->sending,
        .extension = reception->known ? SERVING_EXTENSION : "",
        .size_max = (uint64_t)reception->config->service.size,
        .timeout = RECEPTION_TIMEOUT,
        .total = RECEPTION_TOTAL,
        .admit = admit,
        .command = command,
        .context = client,
    };
    struct stream *stream = socket_stream(reception->client);
    bool ok = serving_run(&serving, stream);
    desk_print(&client->desk, stream);
    stream_close(stream);
    return ok ? EX_OK : EX_IOERR;
}
