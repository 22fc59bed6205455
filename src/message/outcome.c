#include "config.h"
#include "message/outcome.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

void outcome_refuse(struct outcome *o, const struct error *err)
{
    outcome_clear(o, 1);
    *o = (struct outcome){.result = OUTCOME_REFUSED,
                          .scope = err->scope,
                          .class = err->class,
                          .code = err->code,
                          .reply_code = err->reply_code,
                          .text = memory_copy(err->text),
                          .reply = memory_copy(err->reply)};
    memcpy(o->status, err->status, sizeof o->status);
}

void outcome_to_error(const struct outcome *o, struct error *err)
{
    (void)error_set(err, o->scope, o->class, o->code, "%s", o->text ? o->text : "");
    err->reply_code = o->reply_code;
    memcpy(err->status, o->status, sizeof err->status);
    (void)snprintf(err->reply, sizeof err->reply, "%s", o->reply ? o->reply : "");
}

void outcome_clear(struct outcome *o, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(o[i].text);
        free(o[i].reply);
        o[i] = (struct outcome){0};
    }
}
