/* Memory that is there: these end the process (EX_TEMPFAIL, one line on stderr) when there is none
 * left, so that no caller has a path it can't test. Sizes from outside are limited before they
 * come here. */
#ifndef MEMORY_H
#define MEMORY_H

#include <stddef.h>

void *memory_new(size_t size);                         /* zeroed; free() it */
void *memory_resize(void *old, size_t n, size_t size); /* n elements; overflow ends the process */

/* ARRAY, of whose *SIZE elements N are in use, with room for one more: when it is full, twice as
 * large and in another place. */
void *memory_grow(void *array, size_t n, size_t *size, size_t element);

char *memory_copy(const char *text);               /* a copy of TEXT, never NULL */
char *memory_copy_n(const char *text, size_t len); /* a copy of LEN octets and a NUL */

/* Replaces *SLOT, which is freed, by a copy of TEXT. */
void memory_replace(char **slot, const char *text);

/* SIZE zeroed octets that this process shares with the children it forks from now on; munmap(2)
 * them. NULL where there are none: the process does not end. */
void *memory_shared(size_t size);

#endif
