#include "config.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

static _Noreturn void out_of_memory(void)
{
    static const char text[] = "onehop: out of memory\n";
    if (write(STDERR_FILENO, text, sizeof text - 1) < 0)
        _exit(EX_TEMPFAIL); /* nothing can be reported */
    _exit(EX_TEMPFAIL);
}

void *memory_new(size_t size)
{
    void *new = calloc(1, size ? size : 1);
    if (!new)
        out_of_memory();
    return new;
}

void *memory_resize(void *old, size_t n, size_t size)
{
    void *new = reallocarray(old, n ? n : 1, size ? size : 1);
    if (!new)
        out_of_memory();
    return new;
}

void *memory_grow(void *array, size_t n, size_t *size, size_t element)
{
    if (n < *size)
        return array;
    *size = *size ? 2 * *size : 8;
    return memory_resize(array, *size, element);
}

char *memory_copy(const char *text)
{
    return memory_copy_n(text, strlen(text));
}

char *memory_copy_n(const char *text, size_t len)
{
    char *new = memory_resize(NULL, len + 1, 1);
    memcpy(new, text, len);
    new[len] = '\0';
    return new;
}

void memory_replace(char **slot, const char *text)
{
    char *new = memory_copy(text);
    free(*slot);
    *slot = new;
}

void *memory_shared(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}
