/* -bs: the caller speaks SMTP on standard input and output. */
#ifndef STDIO_SESSION_H
#define STDIO_SESSION_H

#include "config/site.h"
#include "cli/invocation.h"

enum { STDIO_SESSION_SIZE_MAX = 1024 * 1024 * 1024 }; /* octets of one message */

/* Returns the exit status: 0 if the caller ended the dialogue. */
int stdio_session_run(const struct invocation *call, struct site *site);

#endif
