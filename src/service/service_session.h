/* One client of the service, served by a process of its own: its mail is committed into the
 * system's spool, its own part of the queue shown and managed. What reads the
 * client's octets never connects out: the runner that it wakes does, or, for the control socket, a
 * second process. */
#ifndef SERVICE_SESSION_H
#define SERVICE_SESSION_H

#include <stdbool.h>

#include "config/site.h"
#include "submit/listener.h"
#include "submit/rendezvous.h"
#include "service/peer.h"
#include "service/quota.h"

struct service_session {
    const struct site *site;
    const struct quota *quota;
    struct quota_user *user;    /* whose limits count: for a subordinate uid its owner, from the
                                   network those of the address */
    struct quota_session *slot; /* of this session */
    const struct peer *peer;
    const struct listener *listener; /* for a remote peer */
    struct rendezvous *rendezvous;
    int client; /* descriptor */
    int wake;   /* a pipe: an octet in it wakes the runner */
};

enum {
    SERVICE_SESSION_TIMEOUT = 300 * 1000,
    SERVICE_SESSION_TOTAL = 4 * 3600 * 1000
}; /* milliseconds */

/* Serves until the client is through. Returns the exit status of the process. */
int service_session_run(const struct service_session *session);

#endif
