/* How much each user has of the service: connections now, messages and octets in this hour; and
 * which sessions are idle. Kept in memory that the parent shares with its children; the parent
 * alone gives out places in it. */
#ifndef QUOTA_H
#define QUOTA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    QUOTA_USERS_MAX = 1024,
    QUOTA_SESSIONS_MAX = 10000, /* as many as the setting `connections` may say */
    QUOTA_HOUR = 3600 * 1000,
};

struct quota_user {
    uint64_t id; /* a uid, or in another table what a network address counts as */
    bool used;
    long connections;      /* the parent's own */
    int64_t hour;          /* moment at which the hour began */
    atomic_long submitted; /* messages since */
    atomic_llong octets;   /* in them */
    atomic_long failures;  /* logins since that failed */
};

struct quota_session {
    bool used;               /* the parent's own */
    atomic_llong idle_since; /* moment since which it waits for a command, 0 if it does not */
};

struct quota {
    struct quota_user user[QUOTA_USERS_MAX];
    struct quota_session session[QUOTA_SESSIONS_MAX];
    int turns; /* a file: the octet at a user's id is locked by whose turn it is */
};

/* NULL if there is no memory to share. */
struct quota *quota_new(void);

/* The place of ID, made if need be in that of a user without a connection; NULL if all have. */
struct quota_user *quota_of(struct quota *quota, uint64_t id, int64_t now);

/* How many of CONNECTIONS may be in use when USER asks for another one: a twentieth is root's, a
 * tenth is for users that have none. */
long quota_share(const struct quota_user *user, long connections);

/* A free place, busy; NULL if there is none. Set its `used` to false to give it back. */
struct quota_session *quota_open_session(struct quota *quota);

/* Waits until no other process has the turn of USER, and takes it; a process that ends gives it
 * back. False if that cannot be. */
bool quota_begin_turn(const struct quota *quota, const struct quota_user *user);
void quota_end_turn(const struct quota *quota, const struct quota_user *user);

/* Counts one message. False if MAX were submitted in this hour already. */
bool quota_take(struct quota_user *user, long max);

/* Counts the octets of a message. False if with them more than MAX were submitted in this hour. */
bool quota_take_octets(struct quota_user *user, uint64_t octets, int64_t max);

#endif
