/* Memory that is wiped when it is freed, for libraries that hold secrets and do not wipe them. */
#ifndef WIPING_H
#define WIPING_H

#include <stddef.h>

/* As malloc(3) and its family, and only to be mixed with each other. */
void *wiping_malloc(size_t size);
void *wiping_calloc(size_t n, size_t size);
void *wiping_realloc(void *old, size_t size);
char *wiping_strdup(const char *text);
void wiping_free(void *memory);

#endif
