/* The first try: a caller's own process speaks to the provider, confined as a worker is
 * (delivery/fence.h). What it can do afterwards is to deliver mail of that account, to log and to
 * report; a dialogue of several messages has a process for each try. */
#ifndef FIRST_TRY_H
#define FIRST_TRY_H

struct account;
struct send_context;

/* For the options of a connection, whose CONTEXT is a struct send_context: confines this process to
 * deliveries of ACCOUNT, but not the service's, which tries nothing itself. With a token, which the
 * server can refuse, another process finds the next one. */
void first_try_confine(void *context, const struct account *account);

/* Returns what TRY does with CONTEXT, an exit status. -1: its process has ended by a signal, as
 * S->error says, and what became of the mail is not known. */
int first_try_run(struct send_context *s, int (*try)(void *context), void *context);

/* Ends the process that finds tokens, if there is one. */
void first_try_end(struct send_context *s);

#endif
