/* The dialogue with the server as -v shows it. */
#ifndef DIALOGUE_H
#define DIALOGUE_H

#include <stdio.h>

#include "smtp/session.h"

/* Prints a line: "--> " what was sent, "<-- " what came, "    " what is only noted; printable, and
 * at once, in the order in which things happen. */
void dialogue_show(FILE *out, enum trace_kind kind, const char *line, size_t len);

#endif
