/* The hosts of an account's list, in the order in which a connection tries them. A host that could
 * not be reached is left alone for ACCOUNT_STATE_HOST_HELD by all processes of the queue: see
 * queue/account_state.h. An only host never is: its failure is the account's, whose breaker says
 * when. */
#ifndef HOST_ORDER_H
#define HOST_ORDER_H

#include <stdbool.h>
#include <stddef.h>

#include "config/account.h"

struct delivery_context;

/* Fills HOST, room for account->host.n, and returns how many: the list as it is, or with
 * `host_order = random` in any order, without those that are left alone; all of them if that would
 * be none. The names are borrowed. DELIVERY is NULL without a queue: nothing is remembered then. */
size_t host_order_make(const struct account *account, const struct delivery_context *delivery,
                       const char **host);

/* Remembers that HOST was REACHED (the server said EHLO, over TLS where that is wanted), or not. */
void host_order_note(const struct account *account, const struct delivery_context *delivery,
                     const char *host, bool reached);

#endif
