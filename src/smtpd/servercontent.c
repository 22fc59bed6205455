#include "config.h"
#include "smtpd/serverstate.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

/* Takes the next octet of DATA (RFC 5321, 4.5.2). True: *OUT is one of the content. LF . LF is the
 * end only for a client that has ended all its commands so: a client that knows CRLF may pass on
 * content that another wrote, in which LF . LF would smuggle a second message. */
static bool undot(struct server *server, char *out)
{
    bool lf_ends = server->bare_lf;
    char c = server->in[server->in_at];
    if (server->dots == DOTS_DOT_CR && c != '\n') { /* the CR was content; this octet is the next */
        server->dots = DOTS_CR;
        *out = '\r';
        return true;
    }
    server->in_at++;
    if (server->dots == DOTS_START && c == '.') {
        server->dots = DOTS_DOT;
        return false;
    }
    if (server->dots == DOTS_DOT && c == '\r') {
        server->dots = DOTS_DOT_CR;
        return false;
    }
    if (c == '\n' && (server->dots == DOTS_DOT_CR || (server->dots == DOTS_DOT && lf_ends))) {
        server->dots = DOTS_END;
        return false;
    }
    *out = c;
    if (c == '\n' && (server->dots == DOTS_CR || lf_ends))
        server->dots = DOTS_START;
    else
        server->dots = c == '\r' ? DOTS_CR : DOTS_TEXT;
    return true;
}

/* Each block of content has a deadline of its own: so the time is bounded by the size. */
static bool more_input(struct server *server)
{
    if (server->in_at < server->in_end)
        return true;
    if (server->content_size >= server->deadline_size) {
        server->deadline_size = server->content_size + SERVER_BLOCK;
        server->deadline = serverwire_deadline(server);
    }
    return serverwire_fill(server, server->deadline);
}

/* Returns what a read that failed does. */
static ssize_t lost(struct error *err)
{
    (void)error_set(err, ERROR_MESSAGE, ERROR_TEMPORARY, EX_IOERR,
                    "the client went away, or took too long, before the end of the message");
    return -1;
}

static ssize_t read_data(struct server *server, char *buffer, size_t len, struct error *err)
{
    size_t n = 0;
    while (n == 0 && server->dots != DOTS_END) {
        if (!more_input(server))
            return lost(err);
        while (server->in_at < server->in_end && n < len && server->dots != DOTS_END)
            n += undot(server, buffer + n);
    }
    server->content_ended = server->dots == DOTS_END;
    return (ssize_t)n;
}

bool servercontent_chunk_size(const char *arguments, uint64_t *size, bool *last)
{
    size_t digits = strspn(arguments, "0123456789");
    if (digits == 0 || digits > 18)
        return false;
    *size = strtoull(arguments, NULL, 10);
    const char *rest = arguments + digits;
    *last = strcasecmp(rest, " LAST") == 0;
    return *last || !*rest;
}

/* Acknowledges this chunk and reads the next command, which has to be another one: anything else
 * gives the message up, and is obeyed afterwards. */
static bool next_chunk(struct server *server, struct error *err)
{
    serverwire_sayf(server, 250, "2.0.0", "%" PRIu64 " octets received", server->content_size);
    server->deadline_size = 0;
    enum server_line result = serverwire_line(server);
    const char *line = str_text(&server->line);
    if (result == LINE_COMMAND && strncasecmp(line, "BDAT ", 5) == 0 &&
        servercontent_chunk_size(line + 5, &server->chunk_left, &server->chunk_last))
        return true;
    server->again = result != LINE_NONE;
    if (result != LINE_COMMAND)
        str_truncate(&server->line, 0);
    (void)lost(err);
    return false;
}

static ssize_t read_chunks(struct server *server, char *buffer, size_t len, struct error *err)
{
    while (server->chunk_left == 0) {
        if (server->chunk_last) {
            server->content_ended = true;
            return 0;
        }
        if (!next_chunk(server, err))
            return -1;
    }
    if (!more_input(server))
        return lost(err);
    size_t n = server->in_end - server->in_at;
    n = n < len ? n : len;
    n = n < server->chunk_left ? n : (size_t)server->chunk_left;
    memcpy(buffer, server->in + server->in_at, n);
    server->in_at += n;
    server->chunk_left -= n;
    return (ssize_t)n;
}

static ssize_t read_content(void *context, void *buffer, size_t len, struct error *err)
{
    struct server *server = context;
    if (server->content_ended)
        return 0;
    if (server->gone || server->again)
        return lost(err);
    ssize_t n = server->content == CONTENT_DATA ? read_data(server, buffer, len, err)
                                                : read_chunks(server, buffer, len, err);
    if (n > 0)
        server->content_size += (uint64_t)n;
    if (server->content_size <= server->params->size_max)
        return n;
    (void)error_set(err, ERROR_MESSAGE, ERROR_PERMANENT, EX_DATAERR,
                    "the message is larger than the limit of %" PRIu64 " octets",
                    server->params->size_max);
    memcpy(err->status, SERVER_TOO_LARGE, sizeof SERVER_TOO_LARGE);
    return -1;
}

/* Reads what the handler left: of DATA all, of BDAT this chunk. */
static void drain(struct server *server)
{
    char buffer[8192];
    struct error ignored;
    uint64_t limit = server->params->size_max + SERVER_DRAIN_MAX;
    if (server->content == CONTENT_CHUNK) {
        if (!server->again)
            servercontent_skip(server, server->chunk_left);
        return;
    }
    while (!server->gone && !server->content_ended) {
        ssize_t n = read_data(server, buffer, sizeof buffer, &ignored);
        if (n > 0)
            server->content_size += (uint64_t)n;
        if (server->content_size > limit)
            server->gone = true;
    }
}

static void take_message(struct server *server)
{
    struct source source = {.fd = -1, .read = read_content, .context = server};
    struct server_reply reply = {0};
    const struct server_message message = {
        .envelope = &server->envelope,
        .source = &source,
    };
    server->content_ended = false;
    server->content_size = server->deadline_size = 0;
    server->commands = 0;
    server_reply_set(&reply, 451, "4.3.0", "Local error in processing");
    server->params->handler->message(server->params->context, &message, &reply);
    bool whole = server->content_ended;
    if (!whole) {
        drain(server);
        if (reply.code / 100 == 2)
            server_reply_set(&reply, 451, "4.3.0", "Local error in processing");
    }
    if (!server->again)
        serverwire_say(server, &reply);
    source_clear(&source);
    str_clear(&reply.text);
    server->content = CONTENT_NONE;
}

void servercontent_data(struct server *server)
{
    server->content = CONTENT_DATA;
    server->dots = DOTS_START;
    serverwire_sayf(server, 354, "", "Start mail input; end with <CRLF>.<CRLF>");
    take_message(server);
}

void servercontent_chunk(struct server *server, uint64_t size, bool last)
{
    server->content = CONTENT_CHUNK;
    server->chunk_left = size;
    server->chunk_last = last;
    take_message(server);
}

void servercontent_skip(struct server *server, uint64_t size)
{
    if (size > server->params->size_max + SERVER_DRAIN_MAX)
        server->gone = true;
    server->deadline_size = 0;
    server->content_size = 0;
    while (size > 0 && !server->gone && more_input(server)) {
        size_t n = server->in_end - server->in_at;
        n = n < size ? n : (size_t)size;
        server->in_at += n;
        server->content_size += n;
        size -= n;
    }
}
