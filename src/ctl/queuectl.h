/* Looking at the queue and managing it, entry by entry. */
#ifndef QUEUECTL_H
#define QUEUECTL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "config/site.h"
#include "queue/spool.h"

struct queuectl {
    const struct site *site;
    FILE *out, *err; /* what is printed, and what is reported */
    bool for_client; /* the service asks for somebody else: in the system's spool alone */
    bool only_uid;   /* entries of this uid alone */
    uid_t uid;
    unsigned long requests; /* of the listing that the caller began with a spool of its own */
    uint64_t octets;
};

/* Reads the configuration, with FILE for -C or NULL. The queue must be seen even while that is
 * broken: what is wrong is reported, and the queue is looked for where it is by default. */
void queuectl_configure(struct site *site, const char *file);

enum queuectl_opened {
    QUEUECTL_OPENED,
    QUEUECTL_NOT_THERE,
    QUEUECTL_DENIED, /* the system's, which the service reads for this caller */
    QUEUECTL_BROKEN, /* ERR says how */
};

/* Opens the spool of SCOPE. Root looks at the system's as its owner does, and is that user from
 * then on. */
enum queuectl_opened queuectl_open(const struct site *site, enum account_scope scope,
                                   struct spool *spool, struct error *err);

/* mailq: every spool that the caller has, in Postfix's format, or as JSON. With FAILED what is in
 * failed/. The system's by way of the service if this caller may not read it. Returns the exit
 * status. */
int queuectl_list(const struct queuectl *want, bool json, bool failed);

enum queuectl_act { QUEUECTL_SHOW, QUEUECTL_HOLD, QUEUECTL_RELEASE, QUEUECTL_DELETE };

/* Does ACT to the entry ID. Shows its envelope, its journal and its content; holds it back, whether
 * it waits or has failed; lets it go again, from hold/ or failed/; deletes it. An entry that is not
 * there is EX_NOINPUT, one that is being delivered EX_TEMPFAIL. */
int queuectl_act(const struct queuectl *want, enum queuectl_act act, const char *id);

/* What an act is called in the dialogue with the service; QUEUECTL_ACTS of them. */
enum { QUEUECTL_ACTS = QUEUECTL_DELETE + 1 };
extern const char *const queuectl_names[QUEUECTL_ACTS];

#endif
