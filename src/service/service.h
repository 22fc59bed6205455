/* -bd: the service. One parent listens and knows nothing but the configuration; it forks a process
 * for each client (service_session.h), and for each run of the queue: these alone connect out. */
#ifndef SERVICE_H
#define SERVICE_H

#include "config/site.h"

enum {
    SERVICE_RUNS_MAX = 6,        /* runs of the queue at one time: more than an account has
                                    connections by default, so that a slow one delays no other */
    SERVICE_TICK = 60 * 1000,    /* milliseconds between looks at what is due */
    SERVICE_IDLE_MIN = 2 * 1000, /* a session that has been idle so long makes room for others */
    SERVICE_PATIENCE =
        10 * 1000, /* for children when it ends; then they are terminated, then killed */
};

/* Serves until SIGTERM or SIGINT, or, if a service manager holds the socket, until there was
 * nothing to do for a while. SIGHUP reads the configuration again; if it is broken the last good
 * one is kept. Returns the exit status. */
int service_run(struct site *site);

#endif
