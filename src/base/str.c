#include "config.h"
#include "base/str.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

const char *str_text(const struct str *s)
{
    return s->data ? s->data : "";
}

void str_reserve(struct str *s, size_t extra)
{
    assert(extra < SIZE_MAX / 4);
    size_t need = s->len + extra + 1;
    if (need <= s->size)
        return;
    size_t size = s->size ? s->size : 32;
    while (size < need)
        size *= 2;
    if (s->secret && s->data) {
        char *moved = memory_resize(NULL, size, 1);
        memcpy(moved, s->data, s->len + 1);
        explicit_bzero(s->data, s->size);
        free(s->data);
        s->data = moved;
    } else {
        s->data = memory_resize(s->data, size, 1);
    }
    s->size = size;
    s->data[s->len] = '\0';
}

void str_add_n(struct str *s, const void *data, size_t len)
{
    if (len == 0)
        return;
    if (len >= s->size - s->len)
        str_reserve(s, len);
    memcpy(s->data + s->len, data, len);
    s->len += len;
    s->data[s->len] = '\0';
}

void str_add(struct str *s, const char *text)
{
    str_add_n(s, text, strlen(text));
}

void str_add_char(struct str *s, char c)
{
    if (s->len + 1 >= s->size)
        str_reserve(s, 1);
    s->data[s->len++] = c;
    s->data[s->len] = '\0';
}

void str_fill(struct str *s, char c, size_t n)
{
    str_reserve(s, n);
    memset(s->data + s->len, c, n);
    s->len += n;
    s->data[s->len] = '\0';
}

void str_addv(struct str *s, const char *format, va_list args)
{
    va_list again;
    size_t room = s->size - s->len;
    va_copy(again, args);
    int need = vsnprintf(room ? s->data + s->len : NULL, room, format, again);
    va_end(again);
    assert(need >= 0);
    if ((size_t)need >= room) { /* it was only measured */
        str_reserve(s, (size_t)need);
        (void)vsnprintf(s->data + s->len, (size_t)need + 1, format, args);
    }
    s->len += (size_t)need;
}

void str_addf(struct str *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str_addv(s, format, args);
    va_end(args);
}

void str_truncate(struct str *s, size_t len)
{
    assert(len <= s->len);
    s->len = len;
    if (s->data)
        s->data[len] = '\0';
}

void str_consume(struct str *s, size_t n)
{
    assert(n <= s->len);
    if (n == 0)
        return;
    memmove(s->data, s->data + n, s->len - n);
    str_truncate(s, s->len - n);
}

char *str_take(struct str *s)
{
    str_reserve(s, 0);
    char *data = s->data;
    bool secret = s->secret;
    *s = (struct str){.secret = secret};
    return data;
}

void str_clear(struct str *s)
{
    if (s->secret && s->data)
        explicit_bzero(s->data, s->size);
    free(s->data);
    *s = (struct str){.secret = s->secret};
}
