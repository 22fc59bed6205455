#include "config.h"
#include "message/source.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/memory.h"

static bool fill_from_reader(struct source *src, struct error *err)
{
    ssize_t n = src->read(src->context, src->buffer + src->end, SOURCE_BUFFER - src->end, err);
    src->ended = n <= 0;
    if (n > 0)
        src->end += (size_t)n;
    return n >= 0;
}

/* Reads what there is room for behind the unread octets, which move to the front first. */
static bool fill(struct source *src, struct error *err)
{
    if (!src->buffer)
        src->buffer = memory_resize(NULL, SOURCE_BUFFER, 1);
    if (src->start > 0) {
        src->in_line = src->buffer[src->start - 1] != '\n';
        src->end -= src->start;
        memmove(src->buffer, src->buffer + src->start, src->end);
        src->start = 0;
    }
    if (src->read)
        return fill_from_reader(src, err);
    for (;;) {
        ssize_t n = read(src->fd, src->buffer + src->end, SOURCE_BUFFER - src->end);
        if (n >= 0) {
            src->end += (size_t)n;
            src->ended = n == 0;
            return true;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            struct pollfd wait = {.fd = src->fd, .events = POLLIN};
            (void)poll(&wait, 1, -1); /* a caller may think as long as it likes */
        } else if (errno != EINTR) {
            src->ended = true;
            return error_set(err, ERROR_MESSAGE, ERROR_TEMPORARY, EX_IOERR,
                             "cannot read the message: %m");
        }
    }
}

static bool is_lone_dot(const char *line, size_t len)
{
    return line[0] == '.' &&
           (len == 1 || line[1] == '\n' || (len == 3 && line[1] == '\r' && line[2] == '\n'));
}

bool source_piece(struct source *src, const char **data, size_t *len, struct error *err)
{
    size_t searched = 0;
    char *newline = NULL;
    for (;;) {
        size_t have = src->end - src->start;
        if (have > searched)
            newline = memchr(src->buffer + src->start + searched, '\n', have - searched);
        searched = have;
        if (newline || src->ended || have == SOURCE_BUFFER)
            break;
        if (!fill(src, err))
            return false;
    }
    char *line = src->buffer ? src->buffer + src->start : NULL;
    bool whole = src->start > 0 ? src->buffer[src->start - 1] == '\n' : !src->in_line;
    *data = line;
    *len = newline ? (size_t)(newline + 1 - line) : searched;
    if (src->lone_dot_ends && whole && *len > 0 && is_lone_dot(line, *len)) {
        src->start = src->end;
        src->ended = true;
        *len = 0;
    }
    src->start += *len;
    return true;
}

bool source_block(struct source *src, const char **data, size_t *len, struct error *err)
{
    if (src->start == src->end && !src->ended && !fill(src, err))
        return false;
    *data = src->buffer ? src->buffer + src->start : NULL;
    *len = src->end - src->start;
    src->start = src->end;
    return true;
}

void source_unread(struct source *src, size_t len)
{
    assert(len <= src->start);
    src->start -= len;
}

void source_clear(struct source *src)
{
    free(src->buffer);
    src->buffer = NULL;
    src->start = src->end = 0;
}
