#include "config.h"
#include "smtp/wire.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/translation.h"
#include "smtp/refusal.h"

enum event { FAILED, REPLY, WRITTEN };

/* ERR has ended the session. */
static bool broken_by(struct wire *wire, struct error *err)
{
    wire->broken = true;
    err->command = wire->command;
    return error_prefix(err, "%s", error_command_name(wire->command));
}

static bool broken(struct wire *wire, struct error *err, int code, const char *what)
{
    (void)error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, code, "%s", what);
    return broken_by(wire, err);
}

static void trace(struct wire *wire, enum trace_kind kind, const char *line, size_t len)
{
    if (wire->params->trace)
        wire->params->trace(wire->params->context, kind, line, len);
}

void wire_mark(struct wire *wire, enum trace_kind kind, const char *format, ...)
{
    if (!wire->params->trace)
        return;
    struct str line = {0};
    va_list args;
    va_start(args, format);
    str_addv(&line, format, args);
    va_end(args);
    trace(wire, kind, line.data, line.len);
    str_clear(&line);
}

static void trace_reply(struct wire *wire)
{
    if (!wire->params->trace)
        return;
    struct str text = {0};
    reply_print(&wire->reply, &text);
    for (const char *line = text.data;; line++) {
        size_t len = strcspn(line, "\n");
        trace(wire, TRACE_RECEIVED, line, len);
        line += len;
        if (!*line)
            break;
    }
    str_clear(&text);
}

/* Ends the line that begins at START of the queue, if it can be one. */
static bool end_line(struct wire *wire, size_t start, struct error *err)
{
    const char *line = wire->out.data + start;
    size_t len = wire->out.len - start;
    if (len > WIRE_COMMAND_MAX || strlen(line) != len || escape_has_control(line)) {
        str_truncate(&wire->out, start);
        (void)error_set(err, ERROR_MESSAGE, ERROR_PERMANENT, EX_DATAERR,
                        "the command would be too long or have a line end in it");
        return error_prefix(err, "%s", error_command_name(wire->command));
    }
    str_add(&wire->out, "\r\n");
    wire->due++;
    return true;
}

static bool end_command(struct wire *wire, size_t start, struct error *err)
{
    if (!end_line(wire, start, err))
        return false;
    trace(wire, TRACE_SENT, wire->out.data + start, wire->out.len - start - 2);
    return true;
}

bool wire_command(struct wire *wire, struct error *err, const char *format, ...)
{
    size_t start = wire->out.len;
    va_list args;
    va_start(args, format);
    str_addv(&wire->out, format, args);
    va_end(args);
    return end_command(wire, start, err);
}

bool wire_line(struct wire *wire, const struct str *line, struct error *err)
{
    size_t start = wire->out.len;
    str_add_n(&wire->out, str_text(line), line->len);
    return end_command(wire, start, err);
}

bool wire_secret(struct wire *wire, const char *start, const struct str *secret, struct error *err)
{
    size_t at = wire->out.len;
    str_add(&wire->out, start);
    str_add_n(&wire->out, str_text(secret), secret->len);
    if (!end_line(wire, at, err))
        return false;
    wire_mark(wire, TRACE_SENT, "%s***", start);
    return true;
}

static bool all_written(const struct wire *wire)
{
    return wire->out_at == wire->out.len;
}

/* Completes a reply from what has been read. False: it is no reply. */
static bool parse(struct wire *wire, struct error *err)
{
    size_t used = 0;
    if (wire->in_at == wire->in_end)
        return true;
    const struct wire_content *content = &wire->content[wire->content_at];
    if (wire->contents > 0 && wire->came >= content->first && wire->heard_at < content->end)
        wire->early = true;
    bool ok =
        reply_add(&wire->reply, wire->in + wire->in_at, wire->in_end - wire->in_at, &used, err);
    wire->in_at += used;
    return ok || broken_by(wire, err);
}

/* Reads once into the empty buffer. Returns octets or STREAM_AGAIN; STREAM_FAILED fills ERR also
 * for the end of the connection. */
static ssize_t fill(struct wire *wire, struct error *err)
{
    ssize_t n = stream_read(wire->stream, wire->in, sizeof wire->in, err);
    if (n == STREAM_AGAIN)
        return n;
    if (n > 0) {
        wire->in_at = 0;
        wire->in_end = (size_t)n;
        wire->heard_at = wire->written;
        return n;
    }
    if (wire->write_failed)
        *err = wire->write_error; /* the earlier of the two says more */
    if (n == STREAM_FAILED || wire->write_failed) {
        (void)broken_by(wire, err);
        return STREAM_FAILED;
    }
    (void)broken(wire, err, EX_TEMPFAIL, N_("the server closed the connection"));
    err->closed = true;
    return STREAM_FAILED;
}

/* Writes what the stream takes at once. A failure is kept: a reply that says why may still be
 * there to be read. */
static void write_some(struct wire *wire)
{
    while (!wire->write_failed && !all_written(wire)) {
        ssize_t n = stream_write(wire->stream, wire->out.data + wire->out_at,
                                 wire->out.len - wire->out_at, &wire->write_error);
        if (n == STREAM_AGAIN)
            return;
        if (n == STREAM_FAILED)
            wire->write_failed = true;
        else {
            wire->out_at += (size_t)n;
            wire->written += (uint64_t)n;
        }
    }
    if (all_written(wire)) {
        str_truncate(&wire->out, 0);
        wire->out_at = 0;
    }
}

static enum event reply_came(struct wire *wire, struct error *err)
{
    trace_reply(wire);
    if (wire->reply.code == 421) {
        (void)refusal_set(err, wire->command, &wire->reply, "the server ends the session");
        (void)broken_by(wire, err);
        return FAILED;
    }
    if (wire->early || (wire->due == 1 && !all_written(wire))) {
        (void)broken(wire, err, EX_PROTOCOL, N_("the server answered before it had all of it"));
        refusal_keep_reply(err, &wire->reply);
        return FAILED;
    }
    wire->due--;
    if (wire->contents > 0 && wire->content[wire->content_at].last == wire->came) {
        wire->content_at = (wire->content_at + 1) % WIRE_CONTENTS_MAX;
        wire->contents--;
    }
    wire->came++;
    return REPLY;
}

/* The loop of both directions: ends with a reply, or, if UNTIL_WRITTEN, when nothing is queued.
 * What has been read is looked at before more is written: it may be a reason not to. */
static enum event turn(struct wire *wire, bool until_written, int64_t deadline, struct error *err)
{
    if (wire->reply.complete)
        reply_begin(&wire->reply);
    for (;;) {
        if (!parse(wire, err))
            return FAILED;
        if (wire->reply.complete)
            return reply_came(wire, err);
        write_some(wire);
        if (until_written && all_written(wire))
            return WRITTEN;
        int want = STREAM_READ | (all_written(wire) || wire->write_failed ? 0 : STREAM_WRITE);
        int ready = stream_wait(wire->stream, want, deadline, err);
        if (ready == 0) {
            (void)broken(wire, err, EX_TEMPFAIL, N_("the server took too long"));
            err->finding = wire->reply.total == 0 ? FINDING_SILENT : FINDING_NONE;
            return FAILED;
        }
        if (ready == STREAM_FAILED) {
            wire->broken = true;
            err->command = wire->command;
            return FAILED;
        }
        if ((ready & STREAM_READ) && fill(wire, err) == STREAM_FAILED)
            return FAILED;
    }
}

int64_t wire_deadline(const struct wire *wire, int64_t span)
{
    int64_t deadline = clock_after(span);
    return wire->limit && wire->limit < deadline ? wire->limit : deadline;
}

bool wire_reply(struct wire *wire, int64_t span, struct error *err)
{
    assert(wire->due > 0);
    return turn(wire, false, wire_deadline(wire, span), err) == REPLY;
}

void wire_expect(struct wire *wire, size_t n)
{
    wire->due += n;
}

static struct wire_content *last_content(struct wire *wire)
{
    assert(wire->contents > 0);
    return &wire->content[(wire->content_at + wire->contents - 1) % WIRE_CONTENTS_MAX];
}

void wire_content_begins(struct wire *wire, size_t n)
{
    assert(wire->contents < WIRE_CONTENTS_MAX && n > 0 && n <= wire->due);
    wire->contents++;
    uint64_t asked = wire->came + wire->due;
    *last_content(wire) =
        (struct wire_content){.first = asked - n, .last = asked - 1, .end = UINT64_MAX};
}

void wire_content_ends(struct wire *wire)
{
    last_content(wire)->end = wire_place(wire);
}

uint64_t wire_place(const struct wire *wire)
{
    return wire->written + wire->out.len - wire->out_at;
}

void wire_make_room(struct wire *wire)
{
    str_consume(&wire->out, wire->out_at);
    wire->out_at = 0;
}

bool wire_flush(struct wire *wire, int64_t span, struct error *err)
{
    if (wire->in_at == wire->in_end && fill(wire, err) == STREAM_FAILED)
        return false;
    enum event event = turn(wire, true, clock_after(span), err);
    return event == WRITTEN || (event == REPLY && wire_unexpected(wire, err));
}

bool wire_is_idle(const struct wire *wire)
{
    return wire->in_at == wire->in_end && wire->due == 0;
}

static bool unasked(struct wire *wire, struct error *err)
{
    struct error ignored;
    size_t used = 0;
    const char *said = wire->in + wire->in_at;
    size_t len = wire->in_end - wire->in_at;
    if (reply_add(&wire->reply, said, len, &used, &ignored) && wire->reply.complete &&
        wire->reply.code == 421) {
        trace_reply(wire);
        (void)refusal_set(err, wire->command, &wire->reply, "the server has ended the session");
        return broken_by(wire, err);
    }
    return broken(wire, err, EX_PROTOCOL, N_("the server spoke without being asked"));
}

bool wire_begin(struct wire *wire, enum error_command command, struct error *err)
{
    assert(wire->due == 0);
    wire->command = command;
    wire->early = false;
    wire->contents = 0;
    reply_begin(&wire->reply);
    if (wire->broken)
        return broken(wire, err, EX_TEMPFAIL, N_("the session has ended"));
    if (wire->in_at == wire->in_end && fill(wire, err) == STREAM_FAILED)
        return false;
    return wire->in_at == wire->in_end || unasked(wire, err);
}

bool wire_unexpected(struct wire *wire, struct error *err)
{
    (void)broken(wire, err, EX_PROTOCOL, N_("the server's reply makes no sense here"));
    refusal_keep_reply(err, &wire->reply);
    return false;
}

void wire_wipe(struct wire *wire)
{
    str_clear(&wire->out); /* a secret: wiped */
    wire->out_at = 0;
}

void wire_clear(struct wire *wire)
{
    stream_close(wire->stream);
    wire->stream = NULL;
    reply_clear(&wire->reply);
    wire_wipe(wire);
}
