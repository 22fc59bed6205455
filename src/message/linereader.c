#include "config.h"
#include "message/linereader.h"

#include <string.h>

void linereader_start(struct line_reader *reader, const struct content *content, uint64_t at)
{
    reader->cursor = (struct content_cursor){content, at};
    reader->start = reader->end = 0;
}

uint64_t linereader_position(const struct line_reader *reader)
{
    return reader->cursor.at - (reader->end - reader->start);
}

bool linereader_next(struct line_reader *reader, const char **line, size_t *len, struct error *err)
{
    size_t have = reader->end - reader->start, got;
    char *newline = memchr(reader->buffer + reader->start, '\n', have);
    if (!newline && have < LINEREADER_BLOCK) {
        memmove(reader->buffer, reader->buffer + reader->start, have);
        if (!content_read(&reader->cursor, reader->buffer + have, LINEREADER_BLOCK - have, &got,
                          err))
            return false;
        reader->start = 0;
        reader->end = have + got;
        newline = memchr(reader->buffer + have, '\n', got);
    }
    *line = reader->buffer + reader->start;
    *len = newline ? (size_t)(newline + 1 - *line) : reader->end - reader->start;
    reader->start += *len;
    return true;
}
