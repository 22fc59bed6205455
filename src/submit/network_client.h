/* One client of the listener for the network: what TLS, its certificate and its login say of it. */
#ifndef NETWORK_CLIENT_H
#define NETWORK_CLIENT_H

#include <stdatomic.h>
#include <stdbool.h>

#include "net/stream.h"
#include "submit/listener.h"

enum {
    NETWORK_CLIENT_DELAY = 100,     /* milliseconds that the first login that fails costs ... */
    NETWORK_CLIENT_DOUBLED_MAX = 7, /* ... and how often that is doubled, for each further one */
};

struct network_client {
    const struct listener *listener;
    const char *address;                 /* as text */
    atomic_long *failures;               /* logins from this address that failed, in this hour */
    bool trusted;                        /* it need not log in */
    bool secured;                        /* it speaks TLS */
    const struct user *user;             /* it logged in as; NULL: it did not */
    const struct user *certificate_user; /* that its certificate names, or NULL; the rest is private
                                          */
    struct user named;
    struct tlsserver_peer peer;
};

/* For struct server_handler: the client is the context. */
struct stream *network_client_secure(struct network_client *client, struct stream *plain,
                                     int64_t deadline);
bool network_client_certified(struct network_client *client, const char *as);

/* A login that fails is logged, and costs time: the more, the more there were from the address. */
bool network_client_login(struct network_client *client, const char *user, const char *password);

#endif
