/* INT, TERM and HUP while a message is being accepted. Before the commit they remove what was begun
 * and end the process as the signal would; the commit itself they do not disturb; after it, when
 * the message is safe, they end the process with status 0. */
#ifndef INTERRUPT_H
#define INTERRUPT_H

#include "queue/entry_writer.h"

void interrupt_before_commit(const struct entry_writer *writer);
void interrupt_during_commit(void);
void interrupt_after_commit(void); /* it succeeded */
void interrupt_as_usual(void);     /* it failed, and nothing is left */

#endif
