/* An output that keeps in memory what it gets. */
#ifndef MEMORYOUTPUT_H
#define MEMORYOUTPUT_H

#include <sysexits.h>

#include "base/output.h"
#include "base/str.h"

struct memoryoutput {
    struct output output; /* {memoryoutput_write} */
    struct str text;
    size_t writes;
    size_t fail_at; /* the write that fails, from 1; 0: none */
};

static inline bool memoryoutput_write(struct output *self, const void *data, size_t len,
                                      struct error *err)
{
    struct memoryoutput *memory = (struct memoryoutput *)self;
    if (++memory->writes == memory->fail_at)
        return error_set(err, ERROR_MESSAGE, ERROR_TEMPORARY, EX_IOERR, "full");
    str_add_n(&memory->text, data, len);
    return true;
}

#endif
