#include "config.h"
#include "base/strlist.h"

#include <stdlib.h>
#include <strings.h>

#include "base/memory.h"

void strlist_take(struct strlist *list, char *text)
{
    list->item = memory_grow(list->item, list->n, &list->size, sizeof *list->item);
    list->item[list->n++] = text;
}

void strlist_add(struct strlist *list, const char *text)
{
    strlist_take(list, memory_copy(text));
}

bool strlist_has(const struct strlist *list, const char *text)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcasecmp(list->item[i], text) == 0)
            return true;
    return false;
}

void strlist_copy(struct strlist *to, const struct strlist *from)
{
    struct strlist copy = {0};
    for (size_t i = 0; i < from->n; i++)
        strlist_add(&copy, from->item[i]);
    strlist_clear(to);
    *to = copy;
}

void strlist_clear(struct strlist *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->item[i]);
    free(list->item);
    *list = (struct strlist){0};
}
