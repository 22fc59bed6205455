/* The message that shows that what setup wrote works. */
#ifndef SETUP_MESSAGE_H
#define SETUP_MESSAGE_H

#include "config/site.h"

/* Reads the configuration again and sends a message from TO to TO, as any program would.
 * Takes the place of standard input. Returns the exit status. */
int setup_message_send(const char *to, struct site *site);

#endif
