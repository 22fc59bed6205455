/* How much each user has of the service: connections now, messages in this hour. Kept in memory
 * that the parent shares with its children; the parent alone gives out places in it. */
#ifndef QUOTA_H
#define QUOTA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { QUOTA_USERS_MAX = 1024, QUOTA_HOUR = 3600 * 1000 };

struct quota_user {
    uid_t uid;
    bool used;
    long connections;      /* the parent's own */
    int64_t hour;          /* moment at which the hour began */
    atomic_long submitted; /* messages since */
};

struct quota {
    struct quota_user user[QUOTA_USERS_MAX];
};

/* NULL if there is no memory to share. */
struct quota *quota_new(void);

/* The place of UID, made if need be in that of somebody who has no connection; NULL if all have. */
struct quota_user *quota_of(struct quota *quota, uid_t uid, int64_t now);

/* Counts one message. False if MAX were submitted in this hour already. */
bool quota_take(struct quota_user *user, long max);

#endif
