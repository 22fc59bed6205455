/* One client of the service, served by a process of its own: its mail is committed into the
 * system's spool, its own part of the queue shown and managed. What reads the
 * client's octets never connects out: the runner that it wakes does, or, for the control socket, a
 * second process. */
#ifndef SERVICE_SESSION_H
#define SERVICE_SESSION_H

#include <stdbool.h>

#include "config/site.h"
#include "submit/rendezvous.h"
#include "service/quota.h"

struct service_session {
    const struct site *site;
    struct quota_user *user; /* whose limits count: for a subordinate uid its owner */
    struct quota_session *slot; /* of this session */
    uid_t uid;
    struct rendezvous *rendezvous;
    int client; /* descriptor */
    int wake;   /* a pipe: an octet in it wakes the runner */
    bool known;   /* the kernel says that the client is UID */
    bool control; /* it came by the control socket */
};

enum {
    SERVICE_SESSION_TIMEOUT = 300 * 1000,
    SERVICE_SESSION_TOTAL = 4 * 3600 * 1000
}; /* milliseconds */

/* Serves until the client is through. Returns the exit status of the process. */
int service_session_run(const struct service_session *session);

#endif
