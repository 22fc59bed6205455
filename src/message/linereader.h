/* The lines of a content, from any place on, in constant memory. */
#ifndef LINEREADER_H
#define LINEREADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "message/content.h"

enum { LINEREADER_BLOCK = 16384 };

struct line_reader {
    struct content_cursor cursor; /* at the next octet that is not in the buffer */
    size_t start, end;
    char buffer[LINEREADER_BLOCK];
};

void linereader_start(struct line_reader *reader, const struct content *content, uint64_t at);

/* Where the next line begins. */
uint64_t linereader_position(const struct line_reader *reader);

/* Gives the next line with its line end, or as much of it as the buffer holds; *LEN is 0 at the
 * end. The memory is valid until the next call. */
bool linereader_next(struct line_reader *reader, const char **line, size_t *len, struct error *err);

#endif
