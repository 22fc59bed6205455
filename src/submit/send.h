/* One message from standard input to the provider. */
#ifndef SEND_H
#define SEND_H

#include "cli/invocation.h"
#include "submit/send_context.h"

/* Reads, routes, completes, relays, reports. Returns the exit status. With INVOKE_PRINT it prints
 * the configuration it would use and sends nothing. */
int send_run(const struct invocation *call, struct site *site);

/* The middle part of it, for a message of many: reads, routes, completes, relays or queues the
 * message of S. Returns the exit status. */
int send_message(struct send_context *s);
/* Reads the configuration, chooses the account for S, applies the options, completes it. */
bool send_choose_account(struct send_context *s, struct error *err);

/* True if SITE's caller can log in to account A, or write to its Maildir, without the service. */
bool send_has_secrets(const struct account *a, const struct site *site);

#endif
