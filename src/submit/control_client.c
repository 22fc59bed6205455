#include "config.h"
#include "submit/control_client.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/clock.h"
#include "submit/report.h"
#include "submit/service_client.h"

enum {
    CONTROL_CLIENT_TOTAL = 3600 * 1000, /* milliseconds for a run of the queue */
    CONTROL_CLIENT_ANSWER = 30 * 1000,  /* for a question, which monitoring asks */
    CONTROL_CLIENT_HEAD_MAX = 512,      /* octets of a line in front of output */
};

struct reader {
    struct stream *stream;
    FILE *out, *complaints; /* where the service's output goes */
    int64_t deadline;
    char data[4096];
    size_t at, end;
};

static bool fill(struct reader *r, struct error *err)
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

static bool read_head(struct reader *r, struct str *line, struct error *err)
{
    str_truncate(line, 0);
    for (;;) {
        if (r->at == r->end && !fill(r, err))
            return false;
        char c = r->data[r->at++];
        if (c == '\n' || line->len == CONTROL_CLIENT_HEAD_MAX)
            return true;
        str_add_char(line, c);
    }
}

/* What cannot be written has no reader left: the rest is read all the same, for its status. */
static bool copy_output(struct reader *r, unsigned long long n, FILE *to, struct error *err)
{
    while (n > 0) {
        if (r->at == r->end && !fill(r, err))
            return false;
        size_t len = r->end - r->at;
        len = len < n ? len : (size_t)n;
        (void)fwrite(r->data + r->at, 1, len, to);
        r->at += len;
        n -= len;
    }
    return true;
}

/* True if HEAD is "NAME NUMBER". */
static bool read_number(const struct str *head, const char *name, unsigned long long *number)
{
    size_t len = strlen(name);
    const char *text = str_text(head);
    char *end = NULL;
    if (strncmp(text, name, len) != 0 || text[len] != ' ')
        return false;
    *number = strtoull(text + len + 1, &end, 10);
    return end > text + len + 1 && !*end;
}

/* Sends COMMAND and copies what comes back, up to the exit status. */
static bool converse(struct reader *r, const char *command, int *code, struct error *err)
{
    struct str line = {0};
    unsigned long long number = 0;
    bool ended = false;
    str_addf(&line, "%s\n", command);
    bool ok = stream_write_all(r->stream, line.data, line.len, r->deadline, err);
    while (ok && !ended && (ok = read_head(r, &line, err))) {
        if (read_number(&line, "out", &number))
            ok = copy_output(r, number, r->out, err);
        else if (read_number(&line, "err", &number))
            ok = copy_output(r, number, r->complaints, err);
        else if (read_number(&line, "status", &number))
            ended = true;
        else
            ok = error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL, "the service: %s",
                           str_text(&line));
    }
    *code = (int)number;
    str_clear(&line);
    return ok;
}

int control_client_run(const struct site *site, const char *command, FILE *out, FILE *err)
{
    struct error failure;
    int code;
    struct reader r = {
        .out = out, .complaints = err, .deadline = clock_after(CONTROL_CLIENT_TOTAL)};
    r.stream = service_client_connect(site->paths, "control", &failure);
    if (!r.stream)
        (void)error_prefix(&failure, "the system's queue is not yours to read");
    if (!r.stream || !converse(&r, command, &code, &failure)) {
        report_error_to(err, site->program, &failure);
        code = failure.code;
    }
    stream_close(r.stream);
    return code;
}

static bool cannot_say(int code, const char *complaint, struct error *err)
{
    if (code == EX_USAGE)
        return error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_UNAVAILABLE,
                         "the running service is of another version: restart it "
                         "(systemctl restart onehop.service)");
    return error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, code, "%.*s",
                     (int)strcspn(complaint, "\n"), complaint);
}

bool control_client_ask(const struct site *site, const char *command, struct str *out,
                        struct error *err)
{
    char *text = NULL, *complaint = NULL;
    size_t text_len, complaint_len;
    FILE *answer = open_memstream(&text, &text_len),
         *errors = open_memstream(&complaint, &complaint_len);
    struct reader r = {
        .out = answer, .complaints = errors, .deadline = clock_after(CONTROL_CLIENT_ANSWER)};
    int code = EX_OSERR;
    bool made = answer && errors;
    if (made)
        r.stream = service_client_connect(site->paths, "control", err);
    bool ok = r.stream && converse(&r, command, &code, err);
    stream_close(r.stream);
    made = (!answer || fclose(answer) == 0) && made;
    made = (!errors || fclose(errors) == 0) && made;
    if (!made)
        ok = error_system(err, EX_OSERR, "cannot ask the service");
    else if (ok && code != EX_OK)
        ok = cannot_say(code, complaint, err);
    else if (ok)
        str_add_n(out, text, text_len);
    free(text);
    free(complaint);
    return ok;
}
