#include "config.h"
#include "service/control_flush.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/translation.h"
#include "submit/report.h"
#include "ctl/observation.h"
#include "ctl/queuerun.h"
#include "service/service_session.h"

enum { TEXT_MAX = 8192 }; /* octets of a value, which the command line bounds as well */

struct question {
    size_t len[CONTROL_FLUSH_TEXTS]; /* of the values that follow */
    unsigned char due, report, person,
        observe; /* any value but 0 is yes: the asking process may be taken over */
};

struct answer {
    int code;
    size_t out, err; /* octets that follow */
};

bool control_flush_sees_everything(const struct site *site)
{
    return site->caller.uid == 0 || site->caller.uid == geteuid();
}

static bool copy(int fd, size_t len, FILE *to)
{
    char piece[4096];
    while (len > 0) {
        size_t n = len < sizeof piece ? len : sizeof piece;
        if (!channel_read(fd, piece, n))
            return false;
        (void)fwrite(piece, 1, n, to); /* a client that has left is noticed by the caller */
        len -= n;
    }
    return true;
}

int control_flush_ask(int fd, const struct control_flush *wish, FILE *out, FILE *err)
{
    struct question question = {
        .due = wish->due, .report = wish->report, .person = wish->person, .observe = wish->observe};
    struct answer answer = {0};
    for (size_t i = 0; i < CONTROL_FLUSH_TEXTS; i++)
        question.len[i] = strlen(wish->text[i]);
    bool ok = fd >= 0 && channel_write(fd, &question, sizeof question);
    for (size_t i = 0; ok && i < CONTROL_FLUSH_TEXTS; i++)
        ok = channel_write(fd, wish->text[i], question.len[i]);
    if (ok && channel_read(fd, &answer, sizeof answer) && copy(fd, answer.out, out) &&
        copy(fd, answer.err, err))
        return answer.code;
    report_line_to(err, "onehop",
                   wish->observe ? N_("the service cannot look at the queue now")
                                 : N_("the service cannot run the queue now"));
    return EX_TEMPFAIL;
}

/* Reads the values behind QUESTION. False: the asking process has ended, or lies. */
static bool read_values(int fd, const struct question *question, char **value)
{
    for (size_t i = 0; i < CONTROL_FLUSH_TEXTS; i++) {
        if (question->len[i] > TEXT_MAX)
            return false;
        value[i] = calloc(1, question->len[i] + 1);
        if (!value[i] || !channel_read(fd, value[i], question->len[i]))
            return false;
    }
    return true;
}

static int observe(const struct site *site, FILE *streams[2])
{
    struct observation seen = {0};
    struct str text = {0};
    struct error err;
    bool all = control_flush_sees_everything(site);
    bool ok = observation_look(&seen, site, SCOPE_SYSTEM, all, &err);
    if (ok)
        observation_encode(&seen, &text);
    else
        report_error_to(streams[1], site->program, &err);
    (void)fwrite(str_text(&text), 1, text.len, streams[0]); /* in memory: fclose() says */
    observation_clear(&seen);
    str_clear(&text);
    return ok ? EX_OK : err.code;
}

static int run(const struct site *site, const struct question *question, char *const *value,
               FILE *streams[2])
{
    struct run_report report = {0};
    const struct queuerun run = {.report = question->report != 0 ? &report : NULL,
                                 .err = streams[1],
                                 .filter = {
                                     .id = value[CONTROL_FLUSH_ID],
                                     .account = value[CONTROL_FLUSH_ACCOUNT],
                                     .recipient = value[CONTROL_FLUSH_RECIPIENT],
                                     .sender = value[CONTROL_FLUSH_SENDER],
                                     .ignore_times = question->due == 0,
                                     .by_person = question->person != 0,
                                     .has_uid = !control_flush_sees_everything(site),
                                     .uid = site->caller.uid,
                                 }};
    int code = queuerun_level(&run, site, SCOPE_SYSTEM, NULL);
    if (run.report)
        run_report_print(&report, streams[0]);
    run_report_clear(&report);
    return code;
}

static bool end_stream(FILE *stream)
{
    return stream && fclose(stream) == 0;
}

/* Runs the queue or looks at it, once, and answers. */
static bool run_and_answer(int fd, const struct site *site, const struct question *question,
                           char *const *value)
{
    struct answer answer = {.code = EX_OSERR};
    char *text[2] = {0};
    FILE *streams[2] = {open_memstream(&text[0], &answer.out),
                        open_memstream(&text[1], &answer.err)};
    if (streams[0] && streams[1])
        answer.code =
            question->observe ? observe(site, streams) : run(site, question, value, streams);
    bool whole = end_stream(streams[0]);
    whole = end_stream(streams[1]) && whole;
    if (!whole)
        answer.code = EX_OSERR; /* no memory for what it says */
    bool ok = channel_write(fd, &answer, sizeof answer) && channel_write(fd, text[0], answer.out) &&
              channel_write(fd, text[1], answer.err);
    free(text[0]);
    free(text[1]);
    return ok;
}

/* False: who asked has left meanwhile, or there are no turns. */
static bool begin_turn(const struct service_session *session, int fd)
{
    struct pollfd asking = {.fd = fd};
    return quota_begin_turn(session->quota, session->user) && poll(&asking, 1, 0) == 0;
}

static void end_turn(const struct service_session *session)
{
    quota_end_turn(session->quota, session->user);
    if (write(session->wake, "", 1) < 0)
        errno = 0; /* it is full of wishes to wake up */
}

void control_flush_serve(int fd, const struct site *site, const struct service_session *session)
{
    struct question question;
    bool ok = true;
    while (ok && channel_read(fd, &question, sizeof question)) {
        char *value[CONTROL_FLUSH_TEXTS] = {0};
        bool in_turn = !question.observe && !control_flush_sees_everything(site);
        ok = (!in_turn || begin_turn(session, fd)) && read_values(fd, &question, value) &&
             run_and_answer(fd, site, &question, value);
        for (size_t i = 0; i < CONTROL_FLUSH_TEXTS; i++)
            free(value[i]);
        if (in_turn)
            end_turn(session);
    }
}
