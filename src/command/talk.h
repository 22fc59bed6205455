/* -bs: the caller speaks SMTP on standard input and output. */
#ifndef TALK_H
#define TALK_H

#include "config/configuration.h"
#include "cli/invocation.h"

enum { TALK_SIZE_MAX = 1024 * 1024 * 1024 }; /* octets of one message */

/* Returns the exit status: 0 if the caller ended the dialogue. */
int talk_run(const struct invocation *call, const struct paths *paths);

#endif
