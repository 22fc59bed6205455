#include "config.h"
#include "service/control_server.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/memory.h"
#include "base/xtext.h"
#include "submit/report.h"
#include "ctl/queuectl.h"
#include "ctl/service_state.h"
#include "service/control_flush.h"

enum {
    CONTROL_SERVER_TIMEOUT = 60 * 1000, /* milliseconds for a command, or a piece of output */
    CONTROL_SERVER_LINE_MAX = 8192,     /* octets of a command */
    CONTROL_SERVER_PIECE = 16384,       /* octets of output */
};

/* The value of NAME= in WORDS, decoded; "" if there is none. To be freed. */
static char *value_of(const char *words, const char *name)
{
    struct str text = {0};
    size_t len = strlen(name);
    for (const char *at = words; *at; at += strspn(at, " ")) {
        size_t word = strcspn(at, " ");
        if (word > len && strncmp(at, name, len) == 0 && at[len] == '=') {
            char *coded = memory_copy_n(at + len + 1, word - len - 1);
            if (!xtext_decode(&text, coded))
                str_truncate(&text, 0);
            free(coded);
            break;
        }
        at += word;
    }
    return str_take(&text);
}

static int list(struct queuectl *want, const char *words)
{
    char *json = value_of(words, "json"), *failed = value_of(words, "failed");
    char *requests = value_of(words, "requests"), *octets = value_of(words, "octets");
    want->requests = strtoul(requests, NULL, 10);
    want->octets = strtoull(octets, NULL, 10);
    int code = queuectl_list(want, *json, *failed);
    free(json);
    free(failed);
    free(requests);
    free(octets);
    return code;
}

static int flush(const struct control_server *server, const char *words, FILE *out, FILE *err)
{
    char *value[] = {value_of(words, "id"),        value_of(words, "account"),
                     value_of(words, "recipient"), value_of(words, "sender"),
                     value_of(words, "due"),       value_of(words, "report"),
                     value_of(words, "person")};
    const struct control_flush wish = {
        .text = {value[0], value[1], value[2], value[3]},
        .due = *value[4],
        .report = *value[5],
        .person = *value[6],
    };
    int code = control_flush_ask(server->flush, &wish, out, err);
    for (size_t i = 0; i < sizeof value / sizeof *value; i++)
        free(value[i]);
    return code;
}

/* A listing reads the whole queue, a run uses connections: each request counts as a message. */
static bool may_ask(const struct control_server *server, FILE *err)
{
    long limit = server->site->config.service.messages_per_hour;
    if (server->site->caller.uid == 0 || quota_take(server->user, limit))
        return true;
    report_line_to(err, server->site->program, "too many requests of %s: the limit is %ld an hour",
                   server->site->caller.name, limit);
    return false;
}

/* Whether the first of WORDS is VERB. */
static bool is_verb(const char *words, const char *verb)
{
    size_t len = strcspn(words, " ");
    return strlen(verb) == len && strncmp(words, verb, len) == 0;
}

static int act(const struct control_server *server, const char *words, FILE *out, FILE *err)
{
    const char *arguments = words + strcspn(words, " ");
    struct queuectl want = {
        .site = server->site,
        .out = out,
        .err = err,
        .for_client = true,
        .only_uid = !control_flush_sees_everything(server->site),
        .uid = server->site->caller.uid,
    };
    if (!may_ask(server, err))
        return EX_TEMPFAIL;
    if (is_verb(words, "list"))
        return list(&want, arguments);
    if (is_verb(words, "flush"))
        return flush(server, arguments, out, err);
    if (is_verb(words, "state")) {
        service_state_write(server->site, out);
        return EX_OK;
    }
    if (is_verb(words, "observe")) {
        const struct control_flush wish = {.text = {"", "", "", ""}, .observe = true};
        return control_flush_ask(server->flush, &wish, out, err);
    }
    for (int i = 0; i < QUEUECTL_ACTS; i++)
        if (is_verb(words, queuectl_names[i]))
            return queuectl_act(&want, (enum queuectl_act)i, arguments + strspn(arguments, " "));
    return EX_USAGE;
}

/* The client's standard output or standard error. */
struct channel {
    struct stream *stream;
    const char *name;
};

/* For fopencookie(3): 0 is failure. */
static ssize_t write_piece(void *cookie, const char *data, size_t len)
{
    const struct channel *channel = cookie;
    struct str head = {0};
    struct error ignored; /* the client has left */
    int64_t deadline = clock_after(CONTROL_SERVER_TIMEOUT);
    str_addf(&head, "%s %zu\n", channel->name, len);
    bool ok = stream_write_all(channel->stream, head.data, head.len, deadline, &ignored) &&
              stream_write_all(channel->stream, data, len, deadline, &ignored);
    str_clear(&head);
    return ok ? (ssize_t)len : 0;
}

static FILE *open_channel(struct channel *channel, int buffering)
{
    FILE *file = fopencookie(channel, "w", (cookie_io_functions_t){.write = write_piece});
    if (file)
        (void)setvbuf(file, NULL, buffering, CONTROL_SERVER_PIECE);
    return file;
}

static bool read_command(struct stream *stream, struct str *line)
{
    struct error ignored; /* no process reads it */
    int64_t deadline = clock_after(CONTROL_SERVER_TIMEOUT);
    char data[1024];
    while (line->len < CONTROL_SERVER_LINE_MAX) {
        ssize_t n = stream_read(stream, data, sizeof data, &ignored);
        if (n == STREAM_AGAIN && stream_wait(stream, STREAM_READ, deadline, &ignored) > 0)
            continue;
        if (n <= 0)
            return false;
        str_add_n(line, data, (size_t)n);
        const char *end = memchr(line->data, '\n', line->len);
        if (end) {
            str_truncate(line, (size_t)(end - line->data));
            return !escape_has_control(str_text(line));
        }
    }
    return false;
}

int control_server_run(const struct control_server *server, struct stream *stream)
{
    struct channel channels[] = {{stream, "out"}, {stream, "err"}};
    struct str line = {0};
    struct error ignored; /* the client has left */
    FILE *out = open_channel(&channels[0], _IOFBF), *err = open_channel(&channels[1], _IOLBF);
    int code = EX_OSERR;
    if (out && err)
        code = read_command(stream, &line) ? act(server, str_text(&line), out, err) : EX_USAGE;
    if (out && fclose(out) != 0)
        code = code == EX_OK ? EX_IOERR : code;
    if (err)
        (void)fclose(err); /* what it had is written, line by line */
    str_truncate(&line, 0);
    str_addf(&line, "status %d\n", code);
    (void)stream_write_all(stream, line.data, line.len, clock_after(CONTROL_SERVER_TIMEOUT),
                           &ignored);
    str_clear(&line);
    return code;
}
