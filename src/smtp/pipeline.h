/* Transactions by DATA, the envelope of the next one in the write of a content: RFC 2920, 3.1 lets
 * DATA end a group of commands and the content begin the next. So a queue pays one round trip a
 * message at servers without CHUNKING. For the files of this folder only; window.c has the ring.
 *
 * Only one content is in flight. The next transaction's envelope is behind it, and can do no harm:
 * it is answered like any other, and its content waits for that. So a connection that ends leaves
 * at most one message of which nothing is known, as without pipelining. */
#ifndef PIPELINE_H
#define PIPELINE_H

#include "smtp/transaction.h"

/* Takes the commands of T, which are in the queue of the wire from octet START on, and the replies
 * that are due since there were DUE, back from it, to be queued behind the content of the one
 * before.
 */
void pipeline_hold(struct transaction *t, size_t start, size_t due);

/* Takes the replies to the envelope of T, sends its content and behind it the envelope of NEXT
 * (NULL: there is none), and takes the reply to the content. As session_pull(). */
enum session_pulled pipeline_pull(struct transaction *t, struct transaction *next,
                                  struct error *err);

#endif
