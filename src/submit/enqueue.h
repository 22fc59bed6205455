/* Queue first, then try. */
#ifndef ENQUEUE_H
#define ENQUEUE_H

#include "submit/send_context.h"

enum { ENQUEUE_CONNECT = 10 * 1000, ENQUEUE_REACH = 30 * 1000 }; /* milliseconds of the first try */
enum { ENQUEUE_LOOK = 64 }; /* due entries whose heads are read to find one of the account */

/* Puts the submission, which is finished, into the spool of its account's scope, and unless only
 * that was asked for tries to relay it at once. Returns the exit status: 0 once it is durable, but
 * if every recipient was refused permanently while the caller waited, the code that says so; 75 if
 * it could not be accepted. Where this caller can't have a spool the message is relayed without
 * one.
 */
int enqueue_run(struct send_context *s);

#endif
