/* Connected sockets as streams. */
#ifndef SOCKET_H
#define SOCKET_H

#include "net/stream.h"

struct sockaddr_un;

/* Makes ADDRESS that of the AF_UNIX socket PATH. False: PATH is too long for one. */
bool socket_unix_address(struct sockaddr_un *address, const char *path);

/* A stream over FD, which it owns from now on and makes non-blocking. */
struct stream *socket_stream(int fd);

/* Connects to the AF_UNIX stream socket PATH. Account, temporary, EX_TEMPFAIL otherwise; errno is
 * connect(2)'s. */
struct stream *socket_connect_unix(const char *path, int64_t deadline, struct error *err);

#endif
