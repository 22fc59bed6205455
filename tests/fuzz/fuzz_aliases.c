/* An aliases file from anybody: never a crash, never an endless expansion, and every name that an
 * alias fits comes out as something. The first line is the name to expand. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/str.h"
#include "message/aliases.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct aliases *aliases;
    struct strlist out = {0}, warnings = {0};
    struct str path = {0};
    struct error err;
    const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
    size_t len = end ? (size_t)(end - data) : size;
    char *name = memory_copy_n((const char *)data, len);
    int fd = memfd_create("aliases", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data + len, size - len) != (ssize_t)(size - len))
        abort();
    str_addf(&path, "/proc/self/fd/%d", fd);
    if (!aliases_read(&aliases, path.data, false, &warnings, &err))
        abort();
    if (aliases_expand(aliases, name, &out, &warnings) != (out.n > 0))
        abort();
    aliases_free(aliases);
    strlist_clear(&out);
    strlist_clear(&warnings);
    str_clear(&path);
    free(name);
    (void)close(fd);
    return 0;
}
