/* The control socket, RUNDIR/control: clients of the service see to their own mail in the system's
 * queue; root and the service's own user to all. A client sends one line, a verb and arguments:
 *
 *     list requests=N octets=N [json=1] [failed=1]
 *     flush [due=1] [report=1] [person=1] [id=] [account=] [recipient=] [sender=]
 *     show ID, hold ID, release ID, delete ID
 *     state, observe
 *
 * where values are xtext. The answer is output, in pieces, and a last line with the exit status:
 *
 *     out 20
 *     Mail queue is empty
 *     status 0
 *
 * "err N" is in front of N octets for standard error. */
#ifndef CONTROL_SERVER_H
#define CONTROL_SERVER_H

#include "config/site.h"
#include "net/stream.h"
#include "service/quota.h"

struct control_server {
    const struct site *site; /* whose caller is the client */
    struct quota_user *user;
    int flush; /* to the process that runs the queue: see control_flush.h */
};

/* Serves one client; may be called by a process that is confined (fence_control()). Returns the
 * exit status of the process. */
int control_server_run(const struct control_server *server, struct stream *stream);

#endif
