/* Where a client of the service sees to its own mail in the system's queue. The words of the
 * dialogue: "LIST requests=N octets=N [json=1] [failed=1]", "FLUSH [due=1] [id=] [account=]
 * [recipient=] [sender=]", "SHOW ID", "HOLD ID", "RELEASE ID", "DELETE ID"; values are xtext. The
 * reply is "250 STATUS OUT ERR": an exit status, and how many octets for standard output and for
 * standard error follow it. */
#ifndef CONTROL_SERVER_H
#define CONTROL_SERVER_H

#include <stdbool.h>
#include <stdio.h>

#include "net/stream.h"
#include "smtpd/server.h"
#include "submit/site.h"
#include "service/quota.h"

struct control_server {
    const struct site *site; /* of the caller: root and the service's own user see everything */
    struct quota_user *user;
    FILE *printed[2]; /* what the answer is; private */
};

/* Does what WORDS say and fills REPLY. */
void control_server_serve(struct control_server *server, const char *tokens,
                          struct server_reply *reply);

/* Writes what belongs behind the reply, if there is something. */
void control_server_print(struct control_server *server, struct stream *stream);

#endif
