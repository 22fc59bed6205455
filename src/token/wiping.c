#include "config.h"
#include "token/wiping.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* In front of each block is its size, and room that keeps the alignment. */
enum { HEAD = 2 * sizeof(max_align_t) > 16 ? 2 * sizeof(max_align_t) : 16 };

static size_t size_of(const void *memory)
{
    size_t size;
    memcpy(&size, (const char *)memory - HEAD, sizeof size);
    return size;
}

void *wiping_malloc(size_t size)
{
    char *block = size < SIZE_MAX - HEAD ? malloc(size + HEAD) : NULL;
    if (!block)
        return NULL;
    memcpy(block, &size, sizeof size);
    return block + HEAD;
}

void *wiping_calloc(size_t n, size_t size)
{
    if (size > 0 && n > SIZE_MAX / size)
        return NULL;
    void *memory = wiping_malloc(n * size);
    if (memory)
        memset(memory, 0, n * size);
    return memory;
}

void *wiping_realloc(void *old, size_t size)
{
    void *memory = wiping_malloc(size);
    if (memory && old) {
        size_t before = size_of(old);
        memcpy(memory, old, before < size ? before : size);
        wiping_free(old);
    }
    return memory;
}

char *wiping_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = wiping_malloc(size);
    if (copy)
        memcpy(copy, text, size);
    return copy;
}

void wiping_free(void *memory)
{
    if (!memory)
        return;
    explicit_bzero(memory, size_of(memory));
    free((char *)memory - HEAD);
}
