#include "config.h"
#include "service/peer.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "config/listen.h"

static bool is_control(const struct sockaddr_un *address)
{
    static const char name[] = "/control";
    size_t path = strnlen(address->sun_path, sizeof address->sun_path);
    return path >= sizeof name - 1 &&
           memcmp(address->sun_path + path - (sizeof name - 1), name, sizeof name - 1) == 0;
}

/* The kernel knows the peer's uid of a socket of ours, and which one it is; of a port it does not.
 */
static void identify_local(struct peer *peer, int client)
{
    union {
        struct sockaddr_storage storage;
        struct sockaddr_un un;
    } address = {0};
    socklen_t len = sizeof address.un, credentials_len = sizeof(struct ucred);
    struct ucred credentials;
    if (getsockname(client, (struct sockaddr *)&address, &len) != 0 ||
        address.storage.ss_family != AF_UNIX ||
        getsockopt(client, SOL_SOCKET, SO_PEERCRED, &credentials, &credentials_len) != 0)
        return;
    peer->known = true;
    peer->uid = credentials.uid;
    peer->control = is_control(&address.un);
}

static void identify_remote(struct peer *peer, int client)
{
    enum { V4_AT = 12, V6_NETWORK = 8, ALL = 16 }; /* octets */
    union listen_address address = {0};
    socklen_t len = sizeof address;
    if (getpeername(client, &address.any, &len) != 0 ||
        (address.any.sa_family != AF_INET && address.any.sa_family != AF_INET6))
        address = (union listen_address){.v4 = {.sin_family = AF_INET}}; /* of no network */
    peer->address = listen_mapped(&address);
    const unsigned char *octets = peer->address.s6_addr;
    bool is_v4 = IN6_IS_ADDR_V4MAPPED(&peer->address);
    for (size_t i = is_v4 ? V4_AT : 0; i < (is_v4 ? ALL : V6_NETWORK); i++)
        peer->id = peer->id << 8 | octets[i];
    listen_text(&peer->address, peer->text);
}

void peer_identify(struct peer *peer, int client, const struct listening_socket *listener)
{
    *peer = (struct peer){
        .remote = listener->open,
        .tls_first = listener->tls_first,
        .uid = (uid_t)-1,
    };
    if (peer->remote)
        identify_remote(peer, client);
    else
        identify_local(peer, client);
}
