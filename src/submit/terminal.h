/* Asking the person at the terminal. */
#ifndef TERMINAL_H
#define TERMINAL_H

#include <stdbool.h>

#include "base/str.h"

/* Writes PROMPT to /dev/tty and reads one line from it without echo. False if there is no terminal,
 * or the input ends. The interrupt key ends the process as always, after the echo was switched on
 * again. OUT should be a secret. CONTEXT is not used: see password_sources. */
bool terminal_ask(void *context, const char *prompt, struct str *out);

/* The same with echo. */
bool terminal_ask_openly(const char *prompt, struct str *out);

/* Without a terminal: appends the first line of standard input, LIMIT octets of it at most. */
void terminal_read_input(struct str *out, size_t limit);

#endif
