/* The other end of a connection that the service accepts, as the kernel knows it. */
#ifndef PEER_H
#define PEER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "service/listening.h"

struct peer {
    bool known;   /* its uid is: it came by a socket of ours */
    bool control; /* that of the queue */
    bool remote;  /* it came by a port that others than processes of this machine can reach */
    bool tls_first;
    uid_t uid;   /* (uid_t)-1 unless known */
    uint64_t id; /* what a remote one counts as in limits: its address, of IPv6 the first half,
                    which is one network's */
    struct in6_addr address;     /* of a remote one: see listen_mapped() */
    char text[INET6_ADDRSTRLEN]; /* the same, IPv4 as usual */
};

/* Fills PEER for CLIENT, which LISTENER accepted. */
void peer_identify(struct peer *peer, int client, const struct listening_socket *listener);

#endif
