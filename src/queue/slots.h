/* Connection slots: how many connections to one provider this machine has at once, however many
 * processes there are. A slot is a flock on a small file; it is free again when its process ends,
 * however that ends. What the file has inside is queue/counters.h's. */
#ifndef SLOTS_H
#define SLOTS_H

#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"
#include "queue/spool.h"

/* Appends what the names of the slots of ACCOUNT, files in account/, have in front of a number. */
void slots_add_name(struct str *out, const char *account);

/* Takes one of ACCOUNT's slots 0..MAX-1 without waiting. *FD becomes its descriptor, which
 * slots_give() gives back, or -1 if all are taken (that is no error). */
bool slots_take(const struct spool *spool, const char *account, unsigned max, int *fd,
                struct error *err);

/* How many of the slots 0..MAX-1 other processes have: all that are taken, but for OWN, a
 * descriptor of slots_take() or -1. */
unsigned slots_of_others(const struct spool *spool, const char *account, unsigned max, int own);

/* Gives the slot back. -1 is allowed. A child that inherited it keeps it taken until it ends. */
void slots_give(int fd);

#endif
