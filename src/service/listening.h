/* The sockets that the service listens on, and what it says to the process that started it. */
#ifndef LISTENING_H
#define LISTENING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "config/configuration.h"

enum { LISTENING_MAX = 16 };

struct listening_socket {
    int fd;
    bool open;      /* others than processes of this machine can reach it */
    bool tls_first; /* port 465: TLS begins with the connection */
};

struct listening {
    struct listening_socket socket[LISTENING_MAX];
    size_t n;
    bool inherited; /* they were handed down by a service manager */
    char *path[2];  /* of the sockets that were made here, to be removed in the end; NULL if none */
};

/* For root, before it becomes the service's user: takes over what LISTEN_FDS says
 * (sd_listen_fds(3)), else makes RUNDIR for that user and listens on the addresses LISTEN_ON (see
 * config/listen.h). EX_OSERR if that fails. */
bool listening_prepare(struct listening *listening, const struct paths *paths,
                       const struct strlist *listen_on, struct error *err);

/* For the service's user: unless sockets were taken over, makes RUNDIR/submit and
 * RUNDIR/control, mode 0666, in place of those that no process listens on. EX_UNAVAILABLE if
 * another process listens, EX_OSERR for other failures. Close in any case. */
bool listening_open(struct listening *listening, const struct paths *paths, struct error *err);

/* True if one of the sockets is open to the network. */
bool listening_is_open(const struct listening *listening);

/* True if one of these has the port at which TLS begins with the connection. */
bool listening_needs_tls(const struct listening *listening);

/* Closes; removes what was made. */
void listening_close(struct listening *listening);

/* Sends STATE ("READY=1") where NOTIFY_SOCKET says (sd_notify(3)); nothing if it says nothing. */
void listening_notify(const char *state);

#endif
