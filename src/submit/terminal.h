/* Asking the person at the terminal. */
#ifndef TERMINAL_H
#define TERMINAL_H

#include <stdbool.h>

#include "base/str.h"

/* Writes PROMPT to /dev/tty and reads one line from it without echo. False if there is no terminal,
 * or nobody answers. OUT should be a secret. CONTEXT is not used: see password_sources. */
bool terminal_ask(void *context, const char *prompt, struct str *out);

#endif
