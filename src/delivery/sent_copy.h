/* Copies of what was relayed, in the Maildir that an account's `sent_copy` names: as it left, read
 * already. One is made after the provider has taken the message and its result is noted: mail is
 * never sent again, nor reported as failed, for the sake of its copy. */
#ifndef SENT_COPY_H
#define SENT_COPY_H

#include <stdbool.h>

#include "base/error.h"
#include "config/account.h"
#include "queue/entry_lock.h"
#include "delivery/delivery.h"

/* The content of an entry that is about to be settled. Zeroed memory is none. */
struct sent_copy {
    char id[ENTRYID_SIZE];
    struct content content;
};

/* Keeps LOCK's content for sent_copy_end(), if ATTEMPT is the first that reached a recipient,
 * ACCOUNT (which may be NULL) wants copies, and the entry is no bounce. */
void sent_copy_begin(struct sent_copy *copy, const struct account *account,
                     const struct entry_lock *lock, const struct attempt *attempt);

/* Makes the copy that was begun, if there is one. HOST is this machine's name. False: there is
 * none; ERR begins with "sent_copy: ". */
bool sent_copy_end(struct sent_copy *copy, const struct account *account, const char *host,
                   struct error *err);

/* Makes a copy of CONTENT, which came as the message ID, at once; nothing if ACCOUNT wants none. */
bool sent_copy_make(const struct account *account, const char *host, const char *id,
                    const struct content *content, struct error *err);

#endif
