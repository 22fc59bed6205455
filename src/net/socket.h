/* Connected sockets as streams. */
#ifndef SOCKET_H
#define SOCKET_H

#include "net/stream.h"

/* A stream over FD, which it owns from now on and makes non-blocking. */
struct stream *socket_stream(int fd);

/* Connects to the AF_UNIX stream socket PATH. Account, temporary, EX_TEMPFAIL otherwise; errno is
 * connect(2)'s. */
struct stream *socket_connect_unix(const char *path, int64_t deadline, struct error *err);

#endif
