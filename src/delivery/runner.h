/* The runner: delivers what is due in a spool. Every account has workers of its own, as many
 * processes as it may have connections, over connections that are reused; a slow provider holds up
 * no other account. The first worker of an account connects alone, and the others are started when
 * a message went through: one wrong password is one login. */
#ifndef RUNNER_H
#define RUNNER_H

#include <stdbool.h>
#include <stddef.h>

#include "delivery/delivery.h"

enum {
    RUNNER_WORKERS_MAX = 32,       /* processes at once, of all accounts */
    RUNNER_ENTRIES_PER_WORKER = 4, /* a further connection must be worth its handshake */
    RUNNER_PER_CONNECTION = 1000,  /* messages; then it is made anew */
    RUNNER_CRASHES_MAX = 3,        /* workers of an account that are replaced after a signal */
};

struct runner_filter {     /* "" takes everything */
    const char *id;        /* this entry */
    const char *account;   /* entries of this account */
    const char *recipient; /* with a recipient that contains this */
    const char *sender;    /* with a sender that contains this */
    bool ignore_times;     /* not only what is due */
    bool by_person;        /* a person asks, not a crontab: see account_access.h */
    bool has_uid;          /* only entries submitted by uid */
    uint32_t uid;
};

/* True if FILTER takes ENTRY; its id and its time are not looked at. */
bool runner_wants(const struct runner_filter *filter, const struct entry *entry);

struct runner_result {
    size_t entries; /* that were sent, deferred or moved */
    bool failed;    /* the spool failed */
};

/* One run: recovers what crashes left, then delivers until nothing is due any more. An account
 * whose breaker is open is left alone. A worker that was ended by a signal is reported, and
 * replaced: what it worked on waits for its next attempt, the others go on. Returns false if the
 * spool cannot be read at all. */
bool runner_run(const struct delivery_context *delivery, const struct runner_filter *filter,
                struct runner_result *result, struct error *err);

#endif
