#include "config.h"
#include "message/outcome.h"

#include <stdlib.h>

void outcome_refuse(struct outcome *o, const struct error *err)
{
    struct error *copy = error_copy(err);
    outcome_clear(o, 1);
    *o = (struct outcome){.result = OUTCOME_REFUSED, .error = copy};
}

void outcome_clear(struct outcome *o, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(o[i].error);
        o[i] = (struct outcome){0};
    }
}
