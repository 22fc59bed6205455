/* The long options as getopt_long(3) wants them: those of the option table, and one for every
 * account key. */
#ifndef LONGOPTIONS_H
#define LONGOPTIONS_H

#include <getopt.h>
#include <stdbool.h>

#include "base/str.h"
#include "config/key.h"

enum { LONGOPTION_TABLE = 1000, LONGOPTION_KEY = 2000 }; /* values; the index is added */

struct longoptions {
    struct option *option; /* ends with zeros */
    char **name;
    size_t n;
};

void longoptions_make(struct longoptions *all);
void longoptions_clear(struct longoptions *all);

/* Appends the letters as getopt wants them. */
void longoptions_letters(struct str *out);

#endif
