/* The log in Postfix' form, for programs that read Postfix' logs: lines as of pickup, cleanup, qmgr
 * and smtp, with "onehop/" in front of these names. */
#ifndef POSTFIXLOG_H
#define POSTFIXLOG_H

#include "delivery/logresult.h"

/* For a message that was accepted:
 *     pickup: ID: uid=33 from=<me@x>
 *     cleanup: ID: message-id=1@x
 *     qmgr: ID: from=<me@x>, size=1234, nrcpt=1 (queue active)
 * For an attempt the line of qmgr comes first, then one line for each recipient:
 *     smtp: ID: to=<you@y>, relay=mx.y[192.0.2.1]:587, delay=0.35, delays=0/0.01/0.2/0.14,
 *         dsn=2.0.0, status=sent (250 2.0.0 ok), account=work, message-id=1@x
 * and "qmgr: ID: removed" if no recipient waits. A message that is relayed without a queue has all
 * of these lines, and an id that is made for them. status is sent, deferred or bounced. The four
 * delays are Postfix': before the queue (0: not known), in the queue, for the connection, for the
 * transaction. Letters, digits and .+-_ of an address are logged, other octets as '_', and a name
 * without a domain as NAME@-. A message that was not accepted has one line: "pickup: warning:
 * from=<me@x>: REASON". */
void postfixlog_write(const struct logline *facts, const struct log_sink *sink);

#endif
