/* What this machine is called: for EHLO, for qualifying bare names, for telling local addresses. No
 * DNS is asked: a name server that is away must not delay a message to the queue. */
#ifndef THISHOST_H
#define THISHOST_H

#include "base/strlist.h"
#include "config/configuration.h"

struct this_host {
    char *name;      /* gethostname(2) up to the first dot */
    char *full_name; /* with domain, from gethostname(2), SYSCONFDIR/hosts, or the mailname if that
                        begins with name; "" if nobody knows */
    char *mail_name; /* first line of SYSCONFDIR/mailname, else full_name, else name */
    struct strlist names;        /* localhost, name, full_name: mail for users there is for us */
    struct strlist sender_names; /* these and mail_name: senders there are local ones */
};

/* Never fails: what cannot be found out is "" (name: "localhost"). Free with this_host_clear(). */
void this_host_read(struct this_host *host, const struct paths *paths);
void this_host_clear(struct this_host *host);

/* Its full name where that is known, else its name. Borrowed. */
const char *this_host_best_name(const struct this_host *host);

#endif
