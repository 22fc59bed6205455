/* A list of strings it owns. Zeroed memory is the empty list. */
#ifndef STRLIST_H
#define STRLIST_H

#include <stdbool.h>
#include <stddef.h>

struct strlist {
    char **item; /* n strings */
    size_t n;
    size_t size;
};

void strlist_add(struct strlist *list, const char *text);
void strlist_take(struct strlist *list, char *text);               /* owns TEXT from now on */
bool strlist_has(const struct strlist *list, const char *text);    /* ASCII case is ignored */
void strlist_copy(struct strlist *to, const struct strlist *from); /* replaces what TO had */
void strlist_clear(struct strlist *list);

#endif
