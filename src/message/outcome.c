#include "config.h"
#include "message/outcome.h"

#include <stdlib.h>

void outcome_refuse(struct outcome *o, const struct error *err)
{
    struct error *copy = error_copy(err);
    outcome_clear(o, 1);
    *o = (struct outcome){.result = OUTCOME_REFUSED, .error = copy};
}

size_t outcome_count(const struct outcome *o, size_t n, enum outcome_result result)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += o[i].result == result;
    return count;
}

void outcome_clear(struct outcome *o, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(o[i].error);
        o[i] = (struct outcome){0};
    }
}
