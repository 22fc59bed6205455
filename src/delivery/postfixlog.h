/* The log in Postfix' form, for what reads Postfix' logs: lines of the programs pickup, cleanup,
 * qmgr and smtp, of which "onehop/" is put in front. */
#ifndef POSTFIXLOG_H
#define POSTFIXLOG_H

#include "delivery/logresult.h"

/* For a message that was accepted:
 *     pickup: ID: uid=33 from=<me@x>
 *     cleanup: ID: message-id=1@x
 *     qmgr: ID: from=<me@x>, size=1234, nrcpt=1 (queue active)
 * for an attempt the last of these, and for each of its recipients
 *     smtp: ID: to=<you@y>, relay=mx.y[192.0.2.1]:587, delay=0.35, delays=0/0.01/0.2/0.14,
 *         dsn=2.0.0, status=sent (250 2.0.0 ok), account=work, message-id=1@x
 * and "qmgr: ID: removed" if none of them waits. A message without queue gets all at once, and an
 * id made for the purpose. status is sent, deferred or bounced; delays are those of Postfix
 * (before the queue, which is not known, in it, for the connection, for the transaction). Of an
 * address, letters, digits and .+-_ are shown, the rest is '_', and a name alone is NAME@-. A
 * message that was not accepted is "pickup: warning: REASON". */
void postfixlog_write(const struct logline *facts, const struct log_sink *sink);

#endif
