/* Relaying without a queue: the exit status reports the result. */
#ifndef DIRECT_H
#define DIRECT_H

#include "submit/send_context.h"

/* Relays the submission, which is finished, and reports. Returns the exit status. */
int direct_run(struct send_context *s);

#endif
