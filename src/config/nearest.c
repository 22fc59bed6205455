#include "config.h"
#include "config/nearest.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static char folded(char c)
{
    return c == '-' ? '_' : (char)tolower((unsigned char)c);
}

/* Insertions, deletions, changes and swaps of neighbours that make A into B. */
static unsigned distance(const char *a, const char *b)
{
    size_t rows = strlen(a), columns = strlen(b);
    unsigned before[NEAREST_WORD_MAX + 1] = {0}, last[NEAREST_WORD_MAX + 1] = {0},
                                       row[NEAREST_WORD_MAX + 1] = {0};
    for (size_t j = 0; j <= columns; j++)
        last[j] = (unsigned)j;
    for (size_t i = 1; i <= rows; i++) {
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= columns; j++) {
            char x = folded(a[i - 1]), y = folded(b[j - 1]);
            row[j] = least(least(last[j] + 1, row[j - 1] + 1), last[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == folded(b[j - 2]) && folded(a[i - 2]) == y)
                row[j] = least(row[j], before[j - 2] + 1);
        }
        memcpy(before, last, sizeof before);
        memcpy(last, row, sizeof last);
    }
    return last[columns];
}

void nearest_offer(struct nearest *nearest, const char *candidate)
{
    size_t len = strlen(nearest->word);
    if (len == 0 || len > NEAREST_WORD_MAX || strlen(candidate) > NEAREST_WORD_MAX)
        return;
    unsigned far = distance(nearest->word, candidate);
    if (far > len / 3 + (len < 3) || (nearest->best && far >= nearest->distance))
        return;
    nearest->best = candidate;
    nearest->distance = far;
}

bool nearest_hint(const struct nearest *nearest, struct error *err)
{
    return nearest->best && error_add(err, ": ", "did you mean '%s'?", nearest->best);
}
