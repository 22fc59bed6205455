#include "config.h"
#include "smtpd/serverstate.h"

#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/escape.h"

int64_t serverwire_deadline(const struct server *server)
{
    int64_t deadline = clock_after(server->params->timeout);
    return deadline < server->end ? deadline : server->end;
}

bool serverwire_flush(struct server *server)
{
    struct error ignored; /* a client that does not read learns nothing */
    int64_t deadline = serverwire_deadline(server);
    size_t at = 0;
    while (!server->gone && at < server->out.len) {
        ssize_t n =
            stream_write(server->stream, server->out.data + at, server->out.len - at, &ignored);
        if (n >= 0)
            at += (size_t)n;
        else if (n == STREAM_FAILED ||
                 stream_wait(server->stream, STREAM_WRITE, deadline, &ignored) <= 0)
            server->gone = true;
    }
    str_truncate(&server->out, 0);
    return !server->gone;
}

bool serverwire_fill(struct server *server, int64_t deadline)
{
    struct error ignored;
    if (!serverwire_flush(server))
        return false;
    for (;;) {
        ssize_t n = stream_read(server->stream, server->in, sizeof server->in, &ignored);
        if (n > 0) {
            server->in_at = 0;
            server->in_end = (size_t)n;
            return true;
        }
        server->at_end = n == 0;
        if (n != STREAM_AGAIN)
            break;
        int ready = stream_wait(server->stream, STREAM_READ, deadline, &ignored);
        if (ready == 0) {
            serverwire_sayf(server, 421, "4.4.2", "Timeout exceeded, closing transmission channel");
            (void)serverwire_flush(server);
        }
        if (ready <= 0)
            break;
    }
    server->gone = true;
    return false;
}

bool serverwire_refuse(struct server *server, int code, const char *status, const char *text)
{
    if (code / 100 == 5)
        server->errors++;
    serverwire_sayf(server, code, status, "%s", text);
    return false;
}

void serverwire_hang_up(struct server *server)
{
    (void)serverwire_flush(server);
    server->gone = true;
}

bool serverwire_refuse_early(struct server *server)
{
    (void)serverwire_refuse(server, 554, "5.5.0", "Command pipelining not allowed here");
    serverwire_hang_up(server);
    return false;
}

bool serverwire_is_last(struct server *server)
{
    return server->params->lenient || server->in_at == server->in_end ||
           serverwire_refuse_early(server);
}

bool serverwire_has_input(struct server *server)
{
    struct error ignored;
    return server->in_at < server->in_end ||
           stream_wait(server->stream, STREAM_READ, clock_now(), &ignored) > 0;
}

bool serverwire_begins(const char *text, const char *word)
{
    size_t len = strcspn(text, " ");
    return strlen(word) == len && strncasecmp(text, word, len) == 0;
}

/* Takes octets up to and including LF into the line, or as many as it may have. True: the line is
 * complete. */
static bool take(struct server *server, size_t *skipped)
{
    const char *start = server->in + server->in_at;
    size_t have = server->in_end - server->in_at;
    const char *newline = memchr(start, '\n', have);
    size_t n = newline ? (size_t)(newline + 1 - start) : have;
    size_t room = SERVER_LINE_MAX - server->line.len;
    str_add_n(&server->line, start, n < room ? n : room);
    *skipped += n < room ? 0 : n - room;
    server->in_at += n;
    return newline != NULL;
}

enum server_line serverwire_line(struct server *server)
{
    size_t skipped = 0;
    int64_t deadline = serverwire_deadline(server);
    str_truncate(&server->line, 0);
    do {
        if (server->in_at == server->in_end && !serverwire_fill(server, deadline)) {
            server->finished =
                server->at_end && server->line.len == 0 && server->content == CONTENT_NONE;
            return LINE_NONE;
        }
        if (skipped > SERVER_LINE_SKIP) {
            server->gone = true;
            return LINE_NONE;
        }
    } while (!take(server, &skipped));
    if (skipped > 0)
        return LINE_TOO_LONG;
    size_t len = server->line.len - 1;
    bool has_cr = len > 0 && server->line.data[len - 1] == '\r';
    if (!has_cr && !server->params->lenient) {
        serverwire_sayf(server, 554, "5.5.2", "Bare LF: lines end in CR LF");
        serverwire_hang_up(server);
        return LINE_NONE;
    }
    server->bare_lf = server->bare_lf && !has_cr;
    str_truncate(&server->line, has_cr ? len - 1 : len);
    const char *text = str_text(&server->line);
    return strlen(text) == server->line.len && !escape_has_control(text) ? LINE_COMMAND : LINE_BAD;
}

/* Each line gets the code and the status code. */
void serverwire_say(struct server *server, const struct server_reply *reply)
{
    const char *line = str_text(&reply->text);
    for (;;) {
        size_t len = strcspn(line, "\n");
        bool more = line[len] == '\n';
        str_addf(&server->out, "%d%c", reply->code, more ? '-' : ' ');
        if (*reply->status)
            str_addf(&server->out, "%s ", reply->status);
        escape_line(&server->out, line, len);
        str_add(&server->out, "\r\n");
        if (!more)
            return;
        line += len + 1;
    }
}

static void set(struct server_reply *reply, int code, const char *status, const char *format,
                va_list args)
{
    size_t len = strlen(status) < sizeof reply->status ? strlen(status) : 0;
    reply->code = code;
    memcpy(reply->status, status, len);
    reply->status[len] = '\0';
    str_truncate(&reply->text, 0);
    str_addv(&reply->text, format, args);
}

void server_reply_set(struct server_reply *reply, int code, const char *status, const char *format,
                      ...)
{
    va_list args;
    va_start(args, format);
    set(reply, code, status, format, args);
    va_end(args);
}

void serverwire_sayf(struct server *server, int code, const char *status, const char *format, ...)
{
    struct server_reply reply = {0};
    va_list args;
    va_start(args, format);
    set(&reply, code, status, format, args);
    va_end(args);
    serverwire_say(server, &reply);
    str_clear(&reply.text);
}
