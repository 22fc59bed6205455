/* Mail of one account on its way out through another: From, Sender and the envelope's sender become
 * what that account may send as, by its rewrite_from, as if it had been submitted to it. The entry
 * stays as it was accepted. */
#ifndef READDRESS_H
#define READDRESS_H

#include "config/site.h"
#include "queue/entry_lock.h"

struct readdress {
    const char *sender;     /* of the envelope; borrowed */
    struct content content; /* as it leaves */
    struct content head;    /* of that */
    const struct content *original;
    uint64_t rest; /* where the body begins in the original */
};

/* Makes R, which must stay where it is as long as its content is read, of the locked entry for
 * ACCOUNT. The null sender stays. False: the entry cannot be read. Clear R in any case. */
bool readdress_make(struct readdress *r, const struct site *site, const struct account *account,
                    const struct entry_lock *lock, struct error *err);

void readdress_clear(struct readdress *r);

#endif
