#include "config.h"
#include "service/control_server.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/xtext.h"
#include "submit/report.h"
#include "ctl/queuectl.h"
#include "ctl/queuerun.h"

enum { CONTROL_SERVER_TIMEOUT = 60 * 1000 }; /* milliseconds for a block of output */

/* The value of NAME= in WORDS, decoded; "" if there is none. To be freed. */
static char *value_of(const char *tokens, const char *name)
{
    struct str text = {0};
    size_t len = strlen(name);
    for (const char *at = tokens; *at; at += strspn(at, " ")) {
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

static bool sees_everything(const struct control_server *server)
{
    return server->site->caller.uid == 0 || server->site->caller.uid == geteuid();
}

static int list(struct queuectl *want, const char *tokens)
{
    char *json = value_of(tokens, "json"), *failed = value_of(tokens, "failed");
    char *requests = value_of(tokens, "requests"), *octets = value_of(tokens, "octets");
    want->requests = strtoul(requests, NULL, 10);
    want->octets = strtoull(octets, NULL, 10);
    int code = queuectl_list(want, *json, *failed);
    free(json);
    free(failed);
    free(requests);
    free(octets);
    return code;
}

static int flush(struct control_server *server, const char *tokens)
{
    char *value[] = {value_of(tokens, "id"),        value_of(tokens, "account"),
                     value_of(tokens, "recipient"), value_of(tokens, "sender"),
                     value_of(tokens, "due"),       value_of(tokens, "report"),
                     value_of(tokens, "person")};
    struct run_report report = {0};
    const struct queuerun run = {.report = *value[5] ? &report : NULL,
                                 .filter = {
                                     .id = value[0],
                                     .account = value[1],
                                     .recipient = value[2],
                                     .sender = value[3],
                                     .ignore_times = !*value[4],
                                     .by_person = *value[6],
                                     .has_uid = !sees_everything(server),
                                     .uid = server->site->caller.uid,
                                 }};
    int code = queuerun_level(&run, server->site, SCOPE_SYSTEM, NULL);
    if (run.report)
        run_report_print(&report, stdout);
    run_report_clear(&report);
    for (size_t i = 0; i < sizeof value / sizeof *value; i++)
        free(value[i]);
    return code;
}

/* Reading all of the queue, and a run, cost more than a message, and count as one. */
static int act(struct control_server *server, const char *tokens)
{
    if (server->site->caller.uid != 0 &&
        !quota_take(server->user, server->site->config.service.messages_per_hour)) {
        report_line(server->site->program, "too many messages and commands in this hour");
        return EX_TEMPFAIL;
    }
    size_t verb = strcspn(tokens, " ");
    struct queuectl want = {
        .site = server->site,
        .out = stdout,
        .err = stderr,
        .for_client = true,
        .only_uid = !sees_everything(server),
        .uid = server->site->caller.uid,
    };
    if (verb == 4 && strncmp(tokens, "LIST", verb) == 0)
        return list(&want, tokens + verb);
    if (verb == 5 && strncmp(tokens, "FLUSH", verb) == 0)
        return flush(server, tokens + verb);
    const char *id = tokens + verb + strspn(tokens + verb, " ");
    for (int i = 0; i < QUEUECTL_ACTS; i++)
        if (strlen(queuectl_names[i]) == verb && strncmp(tokens, queuectl_names[i], verb) == 0)
            return queuectl_act(&want, (enum queuectl_act)i, id);
    return EX_USAGE;
}

/* Standard output and standard error go to files for a while. */
void control_server_serve(struct control_server *server, const char *tokens,
                          struct server_reply *reply)
{
    static const int fds[2] = {STDOUT_FILENO, STDERR_FILENO};
    int saved[2] = {-1, -1};
    bool ok = true;
    (void)fflush(stdout);
    for (int i = 0; i < 2; i++) {
        saved[i] = dup(fds[i]);
        server->printed[i] = tmpfile();
        ok = ok && saved[i] >= 0 && server->printed[i] &&
             dup2(fileno(server->printed[i]), fds[i]) >= 0;
    }
    int code = ok ? act(server, tokens) : EX_OSERR;
    (void)fflush(stdout);
    long long size[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
        if (saved[i] >= 0) {
            (void)dup2(saved[i], fds[i]);
            (void)close(saved[i]);
        }
        if (server->printed[i])
            size[i] = (long long)lseek(fileno(server->printed[i]), 0, SEEK_END);
    }
    server_reply_set(reply, 250, "", "%d %lld %lld", code, size[0], size[1]);
}

static bool write_all(struct stream *stream, const char *data, size_t len)
{
    struct error ignored; /* whoever left does not want to know */
    int64_t deadline = clock_after(CONTROL_SERVER_TIMEOUT);
    while (len > 0) {
        ssize_t n = stream_write(stream, data, len, &ignored);
        if (n == STREAM_FAILED ||
            (n == STREAM_AGAIN && stream_wait(stream, STREAM_WRITE, deadline, &ignored) <= 0))
            return false;
        data += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

void control_server_print(struct control_server *server, struct stream *stream)
{
    char buffer[4096];
    for (int i = 0; i < 2; i++) {
        if (!server->printed[i])
            continue;
        int fd = fileno(server->printed[i]);
        ssize_t n;
        for (off_t at = 0; (n = pread(fd, buffer, sizeof buffer, at)) > 0; at += n)
            if (!write_all(stream, buffer, (size_t)n))
                break;
        (void)fclose(server->printed[i]);
        server->printed[i] = NULL;
    }
}
