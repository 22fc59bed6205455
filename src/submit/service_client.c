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
#include "smtp/session.h"
#include "cli/environment.h"
#include "submit/dialogue.h"
#include "submit/report.h"
#include "submit/smtp_frontend.h"

enum {
    LINE_CONNECT = 5 * 1000, /* milliseconds */
    LINE_STEP = 60 * 1000,   /* for a command */
    LINE_FINAL = 180 * 1000, /* for the reply to the content: the provider's may be in it */
    LINE_BUSY = 60 * 1000,   /* that a service with too many connections is asked again */
    LINE_PAUSE = 250,        /* about so long in between */
};

struct stream *service_client_connect(const struct paths *paths, const char *name,
                                      struct error *err)
{
    struct str path = {0};
    str_addf(&path, "%s/%s", paths->rundir, name);
    struct stream *stream = socket_connect_unix(str_text(&path), clock_after(LINE_CONNECT), err);
    if (!stream && (errno == ENOENT || errno == ECONNREFUSED))
        (void)error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL,
                        "no service listens on %s: start it (systemctl start onehop.socket, or "
                        "onehop -bd)",
                        str_text(&path));
    str_clear(&path);
    return stream;
}

struct stream *service_client_open(const struct paths *paths, struct error *err)
{
    return service_client_connect(paths, "submit", err);
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
 * command line would have reported: see SMTP_FRONTEND_STATUS. */
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

static void report_warning(const struct send_context *s, const struct attempt *attempt)
{
    static const char begins[] = "\n250 2.0.0 " SMTP_FRONTEND_WARNING;
    const char *warning = strstr(str_text(&attempt->reply), begins);
    if (warning)
        report_line(s->site->program, "%s", warning + sizeof begins - 1);
}

static int conclude(struct send_context *s, const struct attempt *attempt)
{
    struct error err = attempt->failure;
    const struct verdict v = delivery_verdict(attempt);
    report_warning(s, attempt);
    if (v.code == EX_OK)
        return EX_OK;
    int code = attempt->failed ? read_refusal(&err) : 0;
    if (code)
        return send_context_report(s, &err, code);
    send_context_report_attempt(s, attempt, &v);
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
    struct attempt attempt = {.n = env->n,
                              .outcomes = memory_new(env->n * sizeof *attempt.outcomes)};
    const struct session_mail mail = {
        .env = env, .content = content, .outcomes = attempt.outcomes, .final = &attempt.reply};
    struct session *session = greet(s, stream, params, &attempt.failure);
    attempt.failed = !session || !session_send(session, &mail, &attempt.failure);
    if (attempt.failed)
        verdict_judge(&attempt.failure, NULL);
    verdict_judge_all(attempt.outcomes, env->n, NULL);
    int code = conclude(s, &attempt);
    session_end(session);
    delivery_attempt_clear(&attempt);
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
        .hello = this_host_best_name(&s->site->host),
        .secure = true,
        .chunking = true,
        .mail_parameters = str_text(&parameters),
        .timeout = LINE_STEP,
        .timeout_final = LINE_FINAL,
        .trace = s->call->verbose ? send_context_show_dialogue : NULL,
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
