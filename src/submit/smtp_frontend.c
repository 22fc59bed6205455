#include "config.h"
#include "submit/smtp_frontend.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/memory.h"
#include "message/header.h"
#include "submit/send.h"

static bool begin(void *context, struct server_reply *reply)
{
    struct smtp_frontend *frontend = context;
    const struct submission_wishes *given = &frontend->s->call->wishes;
    const struct user *user = frontend->network ? frontend->network->user : NULL;
    memory_replace(&frontend->account, user && user->account ? user->account : given->account);
    memory_replace(&frontend->full_name, given->full_name);
    frontend->sender = SMTP_FRONTEND_SENDER_NAMED;
    frontend->wants_code = false;
    frontend->mode = -1;
    return !frontend->admit || frontend->admit(frontend->context, reply);
}

static bool set_choice(const char *value, const char *const *choices, int *choice)
{
    for (int i = 0; choices[i]; i++)
        if (strcmp(choices[i], value) == 0) {
            *choice = i;
            return true;
        }
    return false;
}

static bool parameter(void *context, const char *name, const char *value)
{
    static const char *const senders[] = {"NAMED", "NONE", "HEADER", NULL};
    struct smtp_frontend *frontend = context;
    int choice;
    if (!*frontend->extension)
        return false;
    frontend->wants_code = true;
    if (strcmp(name, SMTP_FRONTEND_ACCOUNT) == 0) {
        memory_replace(&frontend->account, value);
    } else if (strcmp(name, SMTP_FRONTEND_NAME) == 0) {
        memory_replace(&frontend->full_name, value);
    } else if (strcmp(name, SMTP_FRONTEND_MODE) == 0) {
        return set_choice(value, key_find(KEY_ACCOUNT, "delivery_mode")->choices, &frontend->mode);
    } else if (strcmp(name, SMTP_FRONTEND_SENDER) == 0) {
        if (!set_choice(value, senders, &choice))
            return false;
        frontend->sender = choice;
    } else {
        return false;
    }
    return true;
}

/* What stays wrong however often it is tried. */
static bool is_permanent(const struct error *err, int code)
{
    if (err->scope == ERROR_ACCOUNT && code != EX_CONFIG && code != EX_USAGE)
        return false;
    return err->class == ERROR_PERMANENT;
}

static void refuse(const struct smtp_frontend *frontend, int code, struct server_reply *reply)
{
    const struct error *err = &frontend->s->error;
    bool permanent = is_permanent(err, code);
    char class = permanent ? '5' : '4';
    const char *status = err->status[0] == class ? err->status : permanent ? "5.0.0" : "4.0.0";
    int too_large = strcmp(status, SERVER_TOO_LARGE) == 0 ? 552 : 550;
    int later = strcmp(status, SPOOL_FULL) == 0 ? 452 : 451;
    server_reply_set(reply, permanent ? too_large : later, status, "%s", "");
    if (frontend->wants_code)
        str_addf(&reply->text, "%s%d\n", SMTP_FRONTEND_STATUS, code);
    str_add(&reply->text, *err->text ? err->text : "Message not accepted");
    if (*err->reply)
        str_addf(&reply->text, "\n%s", err->reply);
}

static void set_wishes(struct smtp_frontend *frontend, const struct server_message *message)
{
    struct send_context *s = frontend->s;
    frontend->wishes = (struct submission_wishes){
        .account = frontend->account,
        .full_name = frontend->full_name,
        .read_envelope_from = frontend->sender == SMTP_FRONTEND_SENDER_OF_HEADER,
        .senders =
            frontend->network && frontend->network->user ? &frontend->network->user->senders : NULL,
    };
    send_context_again(s);
    s->submission.wishes = &frontend->wishes;
    s->submission.source = message->source;
    s->submission.envelope = *message->envelope; /* which is ours from now on */
    *message->envelope = (struct envelope){0};
    if (frontend->mode >= 0)
        s->asked_mode = key_find(KEY_ACCOUNT, "delivery_mode")->choices[frontend->mode];
    if (frontend->sender == SMTP_FRONTEND_SENDER_NAMED)
        frontend->wishes.from = s->submission.envelope.sender ? s->submission.envelope.sender : "";
}

static void accept(const struct smtp_frontend *frontend, struct server_reply *reply)
{
    const struct send_context *s = frontend->s;
    server_reply_set(reply, 250, "2.0.0", "Queued as %s", s->id);
    if (!frontend->wants_code || !*s->error.text)
        return;
    str_addf(&reply->text, "\n%s", SMTP_FRONTEND_WARNING);
    error_explain(&s->error, &reply->text);
    str_addf(&reply->text, " (the message is queued as %s)", s->id);
}

static void take(void *context, const struct server_message *message, struct server_reply *reply)
{
    struct smtp_frontend *frontend = context;
    struct send_context *s = frontend->s;
    set_wishes(frontend, message);
    char *from = frontend->wishes.from ? memory_copy(frontend->wishes.from) : NULL;
    frontend->wishes.from = from;
    int code = send_message(s);
    if (code != EX_OK)
        refuse(frontend, code, reply);
    else if (*s->id)
        accept(frontend, reply);
    else
        server_reply_set(reply, 250, "2.0.0", "Message sent");
    send_context_again(s);
    frontend->wishes.from = NULL;
    free(from);
}

static void wait_for_command(void *context, bool idle)
{
    const struct smtp_frontend *frontend = context;
    if (frontend->wait)
        frontend->wait(frontend->context, idle);
}

static struct stream *secure(void *context, struct stream *plain, int64_t deadline)
{
    return network_client_secure(((struct smtp_frontend *)context)->network, plain, deadline);
}

static bool certified(void *context, const char *as)
{
    return network_client_certified(((struct smtp_frontend *)context)->network, as);
}

static bool login(void *context, const char *user, const char *password)
{
    return network_client_login(((struct smtp_frontend *)context)->network, user, password);
}

bool smtp_frontend_run(struct smtp_frontend *frontend, struct stream **stream)
{
    static const struct server_handler handler = {
        .secure = secure,
        .certified = certified,
        .login = login,
        .begin = begin,
        .parameter = parameter,
        .message = take,
        .wait = wait_for_command,
    };
    const struct this_host *host = &frontend->s->site->host;
    const struct network_client *network = frontend->network;
    const struct server_params params = {
        .name = this_host_best_name(host),
        .extension = frontend->extension,
        .size_max = frontend->size_max,
        .timeout = frontend->timeout,
        .total = frontend->total,
        .offers_tls = network && network->listener->tls,
        .secured = network && network->secured,
        .passwords = network && network->listener->users.n > 0,
        .needs_login = network && !network->trusted,
        .login_total = SMTP_FRONTEND_LOGIN_TOTAL,
        .lenient = frontend->lenient,
        .handler = &handler,
        .context = frontend,
    };
    frontend->s->quiet = true;
    bool ok = server_run(stream, &params);
    free(frontend->account);
    free(frontend->full_name);
    frontend->account = frontend->full_name = NULL;
    return ok;
}
