/* Who a message is from: the envelope sender, and the address and name of a From that has to be
 * made. Decided from values. */
#ifndef SENDER_H
#define SENDER_H

#include "config/account.h"
#include "config/site.h"

struct sender_facts {
    const struct account *account;
    const char *envelope_from;     /* -f, NULL if not given, "" for <> */
    const char *header_from;       /* mailbox of From, "" if there is none */
    const char *full_name;         /* -F, or "" */
    const struct strlist *senders; /* see struct submission_wishes */
    const struct site *site;
};

struct sender_choice {
    char *envelope; /* "" is <> */
    char *from_address;
    char *full_name;
    char *message_id_domain;
};

/* The envelope sender is, in this order, -f (unless the account forbids it), the header's From if
 * allow_from_override says so, the account's `from`, the header's From, the account's address, the
 * caller; what the account may not send as becomes its own address, as rewrite_from says. <> stays.
 * Fill nothing before; free with sender_choice_clear(). */
void sender_choose(const struct sender_facts *facts, struct sender_choice *choice);

/* True if one whose SENDERS these are may send as MAILBOX; the account's own address is anybody's.
 */
bool sender_is_allowed(const struct account *account, const struct strlist *senders,
                       const char *mailbox);

/* True if the account replaces MAILBOX by its own address: see route_replaces(). Where it replaces
 * what is foreign to it, it replaces what is foreign to SENDERS, too. */
bool sender_is_replaced(const struct account *account, const struct strlist *senders,
                        const char *mailbox, const struct strlist *local_names);

void sender_choice_clear(struct sender_choice *choice);

#endif
