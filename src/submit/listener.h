/* What the listener for the network goes by: who may send, and how. It is made of [service], looked
 * at before each connection, and what was good is kept until something else is. */
#ifndef LISTENER_H
#define LISTENER_H

#include <stdbool.h>

#include "config/site.h"
#include "config/users.h"
#include "net/tlsserver.h"

struct in6_addr;

struct listener { /* zeroed memory at first */
    bool ready;   /* it was read */
    struct str seen;
    struct strlist networks; /* whose devices need no login */
    struct users users;
    bool names_suffice;    /* no file of users: a certificate's name is a user */
    struct tlsserver *tls; /* NULL: none */
    int turns;             /* private: a file whose locks say who may make a hash */
    char *rejected;        /* why the settings as they are now are not used, NULL if they are */
};

/* Reads it if it is not what it was at the last call. False: it would take mail from anybody, or a
 * file of it is not good (EX_CONFIG, with FILE:LINE); said once for each change, and what was read
 * before stays. */
bool listener_refresh(struct listener *listener, const struct site *site, struct error *err);

/* As users_log_in(), but for a few processes at a time: hashes are made to cost memory, and anybody
 * can ask for them. */
const struct user *listener_log_in(const struct listener *listener, const char *user,
                                   const char *password);

/* True if a client at ADDRESS may send without a login. */
bool listener_trusts(const struct listener *listener, const struct in6_addr *address);

/* True if a client at ADDRESS may send without a login, or may log in. */
bool listener_admits(const struct listener *listener, const struct in6_addr *address);

/* Frees and wipes. May be called twice. */
void listener_clear(struct listener *listener);

#endif
