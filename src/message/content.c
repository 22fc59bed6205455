#include "config.h"
#include "message/content.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/filewrite.h"
#include "base/memory.h"
#include "base/translation.h"

static bool temporary(struct error *err, const char *what)
{
    int code = errno == ENOSPC || errno == EDQUOT ? EX_TEMPFAIL : EX_IOERR;
    (void)error_system(err, code, "%s", what);
    err->scope = ERROR_MESSAGE;
    return false;
}

static int open_unlinked(const char *directory)
{
    int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
        return fd;
    struct str path = {0};
    str_addf(&path, "%s/onehop-XXXXXX", directory);
    fd = mkostemp(path.data, O_CLOEXEC);
    if (fd >= 0)
        (void)unlink(path.data); /* a name left behind harms nobody */
    str_clear(&path);
    return fd;
}

static bool write_all(int fd, const void *data, size_t len, struct error *err)
{
    return filewrite_all(fd, data, len) ||
           temporary(err, N_("cannot write the message to a temporary file"));
}

static bool move_to_file(struct content *content, const char *directory, struct error *err)
{
    content->fd = open_unlinked(directory);
    if (content->fd < 0) {
        temporary(err, N_("cannot make a temporary file"));
        return error_prefix(err, "%s", directory);
    }
    content->in_file = true;
    if (!write_all(content->fd, str_text(&content->memory), content->memory.len, err))
        return false;
    str_clear(&content->memory);
    return true;
}

static bool content_write(struct output *self, const void *data, size_t len, struct error *err)
{
    struct content_writer *writer = (struct content_writer *)self;
    struct content *content = writer->content;
    if (!content->in_file && content->memory.len + len > CONTENT_MEMORY_MAX &&
        !move_to_file(content, writer->directory, err))
        return false;
    if (!content->in_file)
        str_add_n(&content->memory, data, len);
    else if (!write_all(content->fd, data, len, err))
        return false;
    content->size += len;
    return true;
}

void content_write_to(struct content_writer *writer, struct content *content, const char *directory)
{
    *writer = (struct content_writer){
        .output = {content_write}, .content = content, .directory = directory};
}

/* Reads LEN octets, which were there. */
static bool read_file(const struct content_cursor *cursor, char *buffer, size_t len,
                      struct error *err)
{
    size_t done = 0;
    while (done < len) {
        ssize_t n = pread(cursor->content->fd, buffer + done, len - done,
                          (off_t)(cursor->content->offset + cursor->at + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return temporary(err, N_("cannot read the message back"));
        if (n == 0)
            return error_set(err, ERROR_MESSAGE, ERROR_TEMPORARY, EX_IOERR,
                             "the message became shorter while it was being sent");
        done += (size_t)n;
    }
    return true;
}

bool content_read(struct content_cursor *cursor, void *buffer, size_t len, size_t *got,
                  struct error *err)
{
    const struct content *content = cursor->content;
    uint64_t left = cursor->at < content->size ? content->size - cursor->at : 0;
    bool ok = true;
    *got = left < len ? (size_t)left : len;
    if (*got > 0 && content->convert)
        ok = content->convert(content->context, cursor->at, buffer, got, err);
    else if (*got > 0 && content->in_file)
        ok = read_file(cursor, buffer, *got, err);
    else if (*got > 0)
        memcpy(buffer, content->memory.data + cursor->at, *got);
    if (ok)
        cursor->at += *got;
    return ok;
}

bool content_count_lines(const struct content *content, uint64_t *lines, struct error *err)
{
    enum { BLOCK = 256 * 1024 };
    struct content_cursor cursor = {.content = content};
    size_t got = 0;
    bool ok = true;
    *lines = 0;
    size_t size = content->size < BLOCK ? (size_t)content->size : BLOCK;
    char *block = memory_resize(NULL, 1, size); /* too large for a stack */
    while (ok && cursor.at < content->size) {
        ok = content_read(&cursor, block, size, &got, err);
        const char *end = block + (ok ? got : 0);
        for (const char *c = block; (c = memchr(c, '\n', (size_t)(end - c))); c++)
            ++*lines;
    }
    free(block);
    return ok;
}

/* The end of the line at AT, or NULL. */
static const char *line_end(const char *at, const char *end)
{
    return memmem(at, (size_t)(end - at), "\r\n", 2);
}

/* A folded value, which begins at AT and whose first line ends at STOP. */
static void add_value(struct str *out, const char *at, const char *stop, const char *end)
{
    while (stop) {
        at += strspn(at, " \t");
        str_add_n(out, at, (size_t)(stop - at));
        at = stop + 2;
        if (at == end || (*at != ' ' && *at != '\t'))
            return;
        if (out->len > 0)
            str_add_char(out, ' ');
        stop = line_end(at, end);
    }
}

void content_add_field(const struct content *content, const char *name, struct str *out)
{
    struct str head = {0};
    struct content_cursor from = {.content = content};
    struct error ignored; /* what cannot be read has no field */
    size_t got = 0, len = strlen(name);
    str_reserve(&head, CONTENT_FIELD_WITHIN);
    if (content_read(&from, head.data, CONTENT_FIELD_WITHIN, &got, &ignored))
        head.data[head.len = got] = '\0';
    const char *at = str_text(&head), *end = at + head.len, *stop;
    while ((stop = line_end(at, end)) != NULL && stop != at &&
           (strncasecmp(at, name, len) != 0 || at[len] != ':'))
        at = stop + 2;
    if (stop && stop != at)
        add_value(out, at + len + 1, stop, end);
    str_clear(&head);
}

void content_clear(struct content *content)
{
    if (content->in_file && !content->borrowed)
        (void)close(content->fd); /* unlinked: nothing of it is kept */
    str_clear(&content->memory);
    *content = (struct content){0};
}
