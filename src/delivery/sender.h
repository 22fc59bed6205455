/* Who a message is from: the envelope sender, and the address and name of a From that has to be
 * made. Decided from values. */
#ifndef SENDER_H
#define SENDER_H

#include "config/account.h"
#include "config/site.h"

struct sender_facts {
    const struct account *account;
    const char *envelope_from; /* -f, NULL if not given, "" for <> */
    const char *header_from;   /* mailbox of From, "" if there is none */
    const char *full_name;     /* -F, or "" */
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
void sender_choice_clear(struct sender_choice *choice);

#endif
