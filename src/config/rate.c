#include "config.h"
#include "config/rate.h"

#include <stdlib.h>
#include <string.h>

enum { RATE_MOST = 1000000 };

static bool add(struct rate *rate, const char *text, struct error *err)
{
    static const char letters[RATE_SPANS + 1] = "mhd";
    char *end;
    unsigned long most = strtoul(text, &end, 10);
    const char *letter = *end == '/' && end[1] ? strchr(letters, end[1]) : NULL;
    if (*text < '0' || *text > '9' || most == 0 || most > RATE_MOST || !letter || end[2])
        return error_config(err,
                            "'%s' is no rate: write messages for each minute, hour or day, as in "
                            "30/m, 200/h, 500/d",
                            text);
    uint32_t *limit = &rate->most[letter - letters];
    if (*limit == 0 || most < *limit)
        *limit = (uint32_t)most;
    return true;
}

bool rate_read(struct rate *rate, const struct strlist *list)
{
    struct error ignored;
    *rate = (struct rate){0};
    for (size_t i = 0; i < list->n; i++)
        (void)add(rate, list->item[i], &ignored);
    return list->n > 0;
}

bool rate_check(const char *text, struct error *err)
{
    struct rate rate = {0};
    return add(&rate, text, err);
}
