#include "config.h"
#include "service/control_server.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "ctl/queuectl.h"
#include "ctl/queuerun.h"

enum { DESK_TIMEOUT = 60 * 1000 }; /* milliseconds for a block of output */

static const char program[] = "onehop";

/* The value of NAME= in WORDS, decoded; "" if there is none. To be freed. */
static char *value_of(const char *words, const char *name)
{
    struct str text = {0};
    size_t len = strlen(name);
    for (const char *at = words; *at; at += strspn(at, " ")) {
        size_t word = strcspn(at, " ");
        if (word > len && strncmp(at, name, len) == 0 && at[len] == '=') {
            char *coded = memory_copy_n(at + len + 1, word - len - 1);
            if (!server_xtext(coded, &text))
                str_truncate(&text, 0);
            free(coded);
            break;
        }
        at += word;
    }
    return str_take(&text);
}

static bool sees_everything(const struct desk *desk)
{
    return desk->caller->uid == 0 || desk->caller->uid == geteuid();
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

/* Whoever asks for a run uses connections: it counts as a message. */
static int flush(struct desk *desk, const char *words)
{
    if (desk->caller->uid != 0 && !quota_take(desk->user, desk->config->service.messages_per_hour))
        return EX_TEMPFAIL;
    char *value[] = {value_of(words, "id"), value_of(words, "account"),
                     value_of(words, "recipient"), value_of(words, "sender"),
                     value_of(words, "due")};
    const struct runner_filter filter = {
        .id = value[0],
        .account = value[1],
        .recipient = value[2],
        .sender = value[3],
        .ignore_times = !*value[4],
        .has_uid = !sees_everything(desk),
        .uid = desk->caller->uid,
    };
    const struct queuerun_facts facts = {
        .program = program,
        .paths = desk->paths,
        .caller = desk->caller,
        .host = desk->host,
        .config = desk->config,
    };
    int code = queuerun_level(&facts, LEVEL_SYSTEM, &filter, NULL);
    for (size_t i = 0; i < sizeof value / sizeof *value; i++)
        free(value[i]);
    return code;
}

static int act(struct desk *desk, const char *words)
{
    size_t verb = strcspn(words, " ");
    struct queuectl want = {
        .program = program,
        .paths = desk->paths,
        .config = desk->config,
        .only_uid = !sees_everything(desk),
        .uid = desk->caller->uid,
    };
    if (verb == 4 && strncmp(words, "LIST", verb) == 0)
        return list(&want, words + verb);
    if (verb == 5 && strncmp(words, "FLUSH", verb) == 0)
        return flush(desk, words + verb);
    const char *id = words + verb + strspn(words + verb, " ");
    for (int i = 0; i < QUEUECTL_ACTS; i++)
        if (strlen(queuectl_names[i]) == verb && strncmp(words, queuectl_names[i], verb) == 0)
            return queuectl_act(&want, (enum queuectl_act)i, id);
    return EX_USAGE;
}

/* Standard output and standard error go to files for a while. */
void desk_serve(struct desk *desk, const char *words, struct server_reply *reply)
{
    static const int fds[2] = {STDOUT_FILENO, STDERR_FILENO};
    int saved[2] = {-1, -1};
    bool ok = true;
    (void)fflush(stdout);
    for (int i = 0; i < 2; i++) {
        saved[i] = dup(fds[i]);
        desk->printed[i] = tmpfile();
        ok = ok && saved[i] >= 0 && desk->printed[i] && dup2(fileno(desk->printed[i]), fds[i]) >= 0;
    }
    int code = ok ? act(desk, words) : EX_OSERR;
    (void)fflush(stdout);
    long long size[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
        if (saved[i] >= 0) {
            (void)dup2(saved[i], fds[i]);
            (void)close(saved[i]);
        }
        if (desk->printed[i])
            size[i] = (long long)lseek(fileno(desk->printed[i]), 0, SEEK_END);
    }
    server_reply_set(reply, 250, "", "%d %lld %lld", code, size[0], size[1]);
}

static bool write_all(struct stream *stream, const char *data, size_t len)
{
    struct error ignored; /* whoever left does not want to know */
    int64_t deadline = clock_after(DESK_TIMEOUT);
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

void desk_print(struct desk *desk, struct stream *stream)
{
    char buffer[16384];
    for (int i = 0; i < 2; i++) {
        if (!desk->printed[i])
            continue;
        int fd = fileno(desk->printed[i]);
        ssize_t n;
        for (off_t at = 0; (n = pread(fd, buffer, sizeof buffer, at)) > 0; at += n)
            if (!write_all(stream, buffer, (size_t)n))
                break;
        (void)fclose(desk->printed[i]);
        desk->printed[i] = NULL;
    }
}
