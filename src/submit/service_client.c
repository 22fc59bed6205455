#include "config.h"
#include "submit/service_client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/xtext.h"
#include "message/body.h"
#include "net/socket.h"
#include "smtp/reply.h"
#include "smtp/session.h"
#include "cli/environment.h"
#include "submit/report.h"
#include "submit/smtp_frontend.h"
#include "submit/trace.h"

enum {
    LINE_CONNECT = 5 * 1000,  /* milliseconds */
    LINE_STEP = 60 * 1000,    /* for a command */
    LINE_FINAL = 180 * 1000,  /* for the reply to the content: the provider's may be in it */
    LINE_QUEUE = 3600 * 1000, /* for a run of the queue */
    LINE_BUSY = 60 * 1000,    /* that a service with too many connections is asked again */
    LINE_PAUSE = 250,         /* about so long in between */
};

void service_client_path(struct str *out, const struct paths *paths)
{
    str_addf(out, "%s/submit", paths->rundir);
}

struct stream *service_client_open(const struct paths *paths, struct error *err)
{
    struct str path = {0};
    service_client_path(&path, paths);
    struct stream *stream = socket_connect_unix(str_text(&path), clock_after(LINE_CONNECT), err);
    if (!stream && (errno == ENOENT || errno == ECONNREFUSED))
        (void)error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL,
                        "no service listens on %s: start it (systemctl start onehop.socket, or "
                        "onehop -bd)",
                        str_text(&path));
    str_clear(&path);
    return stream;
}

static void show_dialogue(void *context, enum trace_kind kind, const char *line, size_t len)
{
    const struct send_context *s = context;
    dialogue_show(s->dialogue, kind, line, len);
}

/* The message as it came, but for line ends and Bcc. Where it has no header none is made: that is
 * for the service to find out again. */
static bool write_content(struct send_context *s, struct content *content, struct error *err)
{
    struct submission *m = &s->submission;
    struct content_writer writer;
    struct body body = {0};
    content_write_to(&writer, content, environment_temporary());
    if (!m->account || m->account->remove_bcc_headers) {
        (void)header_remove(&m->header, "Bcc");
        (void)header_remove(&m->header, "Resent-Bcc");
    }
    bool ok = (m->header.absent ||
               header_write(&m->header, &writer.output, &content->has_8bit_header, err)) &&
              body_add(&body, str_text(&m->header.text), m->header.text.len, &writer.output, err) &&
              body_copy(&body, m->source, &writer.output, err);
    content->has_8bit = body.has_8bit || content->has_8bit_header;
    return ok;
}

static void add_parameters(const struct send_context *s, struct str *line)
{
    const struct submission_wishes *wishes = s->submission.wishes;
    const char *sender = wishes->read_envelope_from ? "HEADER" : wishes->from ? "NAMED" : "NONE";
    str_addf(line, " %s=%s", SMTP_FRONTEND_SENDER, sender);
    if (*wishes->account) {
        str_addf(line, " %s=", SMTP_FRONTEND_ACCOUNT);
        xtext_add(line, wishes->account);
    }
    if (*wishes->full_name) {
        str_addf(line, " %s=", SMTP_FRONTEND_NAME);
        xtext_add(line, wishes->full_name);
    }
    const struct key *mode = key_find(KEY_ACCOUNT, "delivery_mode");
    for (size_t i = 0; i < s->call->overrides; i++)
        if (s->call->override[i].key == mode)
            str_addf(line, " %s=%s", SMTP_FRONTEND_MODE, s->call->override[i].value);
    if (*s->asked_mode)
        str_addf(line, " %s=%s", SMTP_FRONTEND_MODE, s->asked_mode);
}

/* Finds the exit status that the service sends along, and makes what follows the text that the
 * command line would have told: see SMTP_FRONTEND_STATUS. */
static int read_refusal(struct error *err)
{
    struct str text = {0}, reply = {0};
    int code = 0;
    for (const char *line = err->reply; *line; line += *line == '\n') {
        size_t len = strcspn(line, "\n");
        size_t skip = len > 4 ? 4 : len;
        if (*err->status && strncmp(line + skip, err->status, strlen(err->status)) == 0)
            skip += strlen(err->status) + 1;
        skip = skip < len ? skip : len;
        if (!code && strncmp(line + skip, SMTP_FRONTEND_STATUS, strlen(SMTP_FRONTEND_STATUS)) == 0)
            code = (int)strtol(line + skip + strlen(SMTP_FRONTEND_STATUS), NULL, 10);
        else if (text.len == 0)
            str_add_n(&text, line + skip, len - skip);
        else
            str_addf(&reply, "%s%.*s", reply.len ? "\n" : "", (int)(len - skip), line + skip);
        line += len;
    }
    if (code > 0 && code < 256) {
        (void)error_set(err, err->scope, err->class, code, "%s", str_text(&text));
        size_t len = reply.len < sizeof err->reply ? reply.len : sizeof err->reply - 1;
        memcpy(err->reply, str_text(&reply), len);
        err->reply[len] = '\0';
    } else {
        code = 0;
    }
    str_clear(&text);
    str_clear(&reply);
    return code;
}

static int conclude(struct send_context *s, const struct outcome *outcomes,
                    const struct error *failure)
{
    struct error err = failure ? *failure : (struct error){0};
    struct verdict v = verdict_of(outcomes, s->submission.envelope.n, failure);
    if (v.code == EX_OK)
        return EX_OK;
    int told = failure ? read_refusal(&err) : 0;
    if (told)
        return send_context_report(s, &err, told);
    send_context_report_attempt(s, outcomes, &v, failure, &err);
    return v.code;
}

/* A session that the service has greeted. Where there are too many for now, as when cron starts
 * thirty jobs at once, it is asked again: a moment later there is room. */
static struct session *greet(const struct send_context *s, struct stream *stream,
                             const struct session_params *params, struct error *err)
{
    int64_t deadline = clock_after(LINE_BUSY);
    while (stream) {
        struct session *session = session_new(stream, params);
        if (session_hello(session, err))
            return session;
        session_end(session);
        if (err->reply_code != 421 || clock_now() >= deadline)
            return NULL;
        (void)poll(NULL, 0, LINE_PAUSE + (int)(getpid() % LINE_PAUSE)); /* not all at once */
        stream = service_client_open(s->site->paths, err);
    }
    return NULL;
}

static int transact(struct send_context *s, struct stream *stream,
                    const struct session_params *params, const struct content *content)
{
    const struct envelope *env = &s->submission.envelope;
    struct outcome *outcomes = memory_new(env->n * sizeof *outcomes);
    struct error err;
    struct session *session = greet(s, stream, params, &err);
    bool ok = session &&
              session_send(session, &(struct session_mail){env, content, outcomes, NULL}, &err);
    if (!ok)
        verdict_judge(&err, NULL);
    verdict_judge_all(outcomes, env->n, NULL);
    int code = conclude(s, outcomes, ok ? NULL : &err);
    session_end(session);
    outcome_clear(outcomes, env->n);
    free(outcomes);
    return code;
}

int service_client_send(struct send_context *s, struct stream *stream)
{
    struct content content = {0};
    struct str parameters = {0};
    struct error err;
    int code;
    add_parameters(s, &parameters);
    const struct session_params params = {
        .hello = *s->site->host.full_name ? s->site->host.full_name : s->site->host.name,
        .secure = true,
        .chunking = true,
        .mail_parameters = str_text(&parameters),
        .timeout = LINE_STEP,
        .timeout_final = LINE_FINAL,
        .trace = s->call->verbose ? show_dialogue : NULL,
        .context = s,
    };
    envelope_set_sender(&s->submission.envelope,
                        s->submission.wishes->from ? s->submission.wishes->from : "");
    if (write_content(s, &content, &err)) {
        code = transact(s, stream, &params, &content);
    } else {
        stream_close(stream);
        send_context_drain(s);
        code = send_context_report(s, &err, err.code);
    }
    str_clear(&parameters);
    content_clear(&content);
    return code;
}

/* What is said on the line to the service, read with a deadline. */
struct reading {
    struct stream *stream;
    int64_t deadline;
    char data[4096];
    size_t at, end;
};

static bool fill(struct reading *r, struct error *err)
{
    for (;;) {
        ssize_t n = stream_read(r->stream, r->data, sizeof r->data, err);
        if (n > 0) {
            r->at = 0;
            r->end = (size_t)n;
            return true;
        }
        if (n == STREAM_FAILED)
            return false;
        if (n == 0 || stream_wait(r->stream, STREAM_READ, r->deadline, err) == 0)
            return error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL,
                             "the service went away, or took too long");
    }
}

static bool read_reply(struct reading *r, struct reply *reply, struct error *err)
{
    reply_clear(reply);
    while (!reply->complete) {
        size_t used;
        if ((r->at == r->end && !fill(r, err)) ||
            !reply_add(reply, r->data + r->at, r->end - r->at, &used, err))
            return false;
        r->at += used;
    }
    return reply->code / 100 == 2 || error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL,
                                               "the service: %s", str_text(&reply->text));
}

/* Copies N octets that follow the reply. */
static bool copy_output(struct reading *r, uint64_t n, int to, struct error *err)
{
    while (n > 0) {
        if (r->at == r->end && !fill(r, err))
            return false;
        size_t len = r->end - r->at;
        len = len < n ? len : (size_t)n;
        ssize_t written = write(to, r->data + r->at, len);
        if (written < 0 && errno == EPIPE)
            written = (ssize_t)len; /* nobody reads it any more */
        if (written < 0 && errno != EINTR)
            return error_system(err, EX_IOERR, "cannot write");
        r->at += written > 0 ? (size_t)written : 0;
        n -= written > 0 ? (uint64_t)written : 0;
    }
    return true;
}

static bool say(struct stream *stream, const struct str *text, int64_t deadline, struct error *err)
{
    for (size_t at = 0; at < text->len;) {
        ssize_t n = stream_write(stream, text->data + at, text->len - at, err);
        if (n == STREAM_FAILED ||
            (n == STREAM_AGAIN && stream_wait(stream, STREAM_WRITE, deadline, err) <= 0))
            return false;
        at += n > 0 ? (size_t)n : 0;
    }
    return true;
}

/* The reply says "STATUS OUT ERR": exit status, octets for standard output and standard error. */
static bool converse(struct stream *stream, const char *command, int *code, struct error *err)
{
    struct reading r = {.stream = stream, .deadline = clock_after(LINE_QUEUE)};
    struct reply reply = {0};
    struct str line = {0};
    unsigned long long out = 0, complaints = 0;
    char *end = NULL;
    str_addf(&line, "XQUEUE %s\r\n", command);
    bool ok = read_reply(&r, &reply, err) && say(stream, &line, r.deadline, err) &&
              read_reply(&r, &reply, err);
    if (ok) {
        *code = (int)strtol(str_text(&reply.text), &end, 10);
        out = strtoull(end, &end, 10);
        complaints = strtoull(end, &end, 10);
        ok = copy_output(&r, out, STDOUT_FILENO, err) &&
             copy_output(&r, complaints, STDERR_FILENO, err);
    }
    str_clear(&line);
    reply_clear(&reply);
    return ok;
}

int service_client_queue(const struct site *site, const char *command)
{
    struct error err;
    int code = EX_TEMPFAIL;
    struct stream *stream = service_client_open(site->paths, &err);
    if (!stream) {
        (void)error_prefix(&err, "the system's queue is not yours to read");
        report_error(site->program, &err);
        return EX_TEMPFAIL;
    }
    (void)fflush(stdout);
    if (!converse(stream, command, &code, &err)) {
        report_error(site->program, &err);
        code = err.code;
    }
    stream_close(stream);
    return code;
}
