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
    struct serving *serving = context;
    const struct submission_wishes *given = &serving->s->call->wishes;
    memory_replace(&serving->account, given->account);
    memory_replace(&serving->full_name, given->full_name);
    serving->sender = SERVING_SENDER_NAMED;
    serving->wants_code = false;
    serving->mode = -1;
    return !serving->admit || serving->admit(serving->context, reply);
}

static bool set_choice(const char *value, const char *const *words, int *choice)
{
    for (int i = 0; words[i]; i++)
        if (strcmp(words[i], value) == 0) {
            *choice = i;
            return true;
        }
    return false;
}

static bool parameter(void *context, const char *name, const char *value)
{
    static const char *const senders[] = {"NAMED", "NONE", "HEADER", NULL};
    struct serving *serving = context;
    int choice;
    if (!*serving->extension)
        return false;
    serving->wants_code = true;
    if (strcmp(name, SERVING_ACCOUNT) == 0) {
        memory_replace(&serving->account, value);
    } else if (strcmp(name, SERVING_NAME) == 0) {
        memory_replace(&serving->full_name, value);
    } else if (strcmp(name, SERVING_MODE) == 0) {
        return set_choice(value, key_find(KEY_ACCOUNT, "delivery_mode")->choices, &serving->mode);
    } else if (strcmp(name, SERVING_SENDER) == 0) {
        if (!set_choice(value, senders, &choice))
            return false;
        serving->sender = choice;
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

static void refuse(const struct serving *serving, int code, struct server_reply *reply)
{
    const struct error *err = &serving->s->error;
    bool permanent = is_permanent(err, code);
    char class = permanent ? '5' : '4';
    const char *status = err->status[0] == class ? err->status : permanent ? "5.0.0" : "4.0.0";
    server_reply_set(reply, permanent ? 550 : 451, status, "%s", "");
    if (serving->wants_code)
        str_addf(&reply->text, "%s%d\n", SERVING_STATUS, code);
    str_add(&reply->text, *err->text ? err->text : "the message could not be taken");
    if (*err->reply)
        str_addf(&reply->text, "\n%s", err->reply);
}

static void set_wishes(struct serving *serving, const struct server_message *message)
{
    struct sending *s = serving->s;
    serving->wishes = (struct submission_wishes){
        .account = serving->account,
        .full_name = serving->full_name,
        .read_envelope_from = serving->sender == SERVING_SENDER_OF_HEADER,
    };
    sending_again(s);
    s->submission.wishes = &serving->wishes;
    s->submission.source = message->source;
    s->submission.envelope = *message->envelope; /* which is ours from now on */
    *message->envelope = (struct envelope){0};
    s->asked_notify = message->notify_given;
    s->asked_mode = serving->mode;
    if (serving->sender == SERVING_SENDER_NAMED)
        serving->wishes.from = s->submission.envelope.sender ? s->submission.envelope.sender : "";
}

static void take(void *context, const struct server_message *message, struct server_reply *reply)
{
    struct serving *serving = context;
    struct sending *s = serving->s;
    set_wishes(serving, message);
    char *from = serving->wishes.from ? memory_copy(serving->wishes.from) : NULL;
    serving->wishes.from = from;
    int code = send_message(s);
    if (code != EX_OK)
        refuse(serving, code, reply);
    else if (*s->id)
        server_reply_set(reply, 250, "2.0.0", "taken as %s", s->id);
    else
        server_reply_set(reply, 250, "2.0.0", "sent");
    sending_again(s);
    serving->wishes.from = NULL;
    free(from);
}

static bool command(void *context, const char *line, struct server_reply *reply, bool *end)
{
    const struct serving *serving = context;
    return serving->command && serving->command(serving->context, line, reply, end);
}

bool serving_run(struct serving *serving, struct stream *stream)
{
    static const struct server_handler handler = {
        .begin = begin, .parameter = parameter, .message = take, .command = command};
    const struct this_host *host = &serving->s->host;
    const struct server_params params = {
        .name = *host->full_name ? host->full_name : host->name,
        .extension = serving->extension,
        .size_max = serving->size_max,
        .timeout = serving->timeout,
        .total = serving->total,
        .lenient = serving->lenient,
        .handler = &handler,
        .context = serving,
    };
    serving->s->quiet = true;
    bool ok = server_run(stream, &params);
    free(serving->account);
    free(serving->full_name);
    serving->account = serving->full_name = NULL;
    return ok;
}
