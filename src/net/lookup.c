#include "config.h"
#include "net/lookup.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

/* Shared by the asker and the thread. The last one that leaves frees it. */
struct lookup {
    struct lookup_call call;
    atomic_int present; /* how many have not left */
    atomic_bool done;
    int pipe[2]; /* closed at its writing end when the call has run */
};

static void leave(struct lookup *l)
{
    if (atomic_fetch_sub(&l->present, 1) != 1)
        return;
    if (l->call.context)
        l->call.discard(l->call.context);
    (void)close(l->pipe[0]);
    free(l);
}

static void *run(void *context)
{
    struct lookup *l = context;
    l->call.run(l->call.context);
    atomic_store(&l->done, true);
    (void)close(l->pipe[1]); /* wakes the asker */
    leave(l);
    return NULL;
}

/* Signals are for the main thread. */
static int start_thread(struct lookup *l)
{
    sigset_t all, before;
    pthread_attr_t attributes;
    pthread_t thread;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int status = pthread_attr_init(&attributes);
    if (status == 0) {
        (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        status = pthread_create(&thread, &attributes, run, l);
        (void)pthread_attr_destroy(&attributes);
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}

static bool wait_for(struct lookup *l, int64_t deadline)
{
    struct pollfd fd = {.fd = l->pipe[0], .events = POLLIN};
    int ready;
    do
        ready = poll(&fd, 1, clock_poll_timeout(deadline));
    while (ready < 0 && errno == EINTR);
    return ready > 0 && atomic_load(&l->done);
}

enum lookup_end lookup_run(const struct lookup_call *call, int64_t deadline, struct error *err)
{
    struct lookup *l = memory_new(sizeof *l);
    l->call = *call;
    atomic_init(&l->present, 2);
    atomic_init(&l->done, false);
    if (pipe2(l->pipe, O_CLOEXEC) != 0) {
        (void)error_system(err, EX_OSERR, "cannot make a pipe");
        call->discard(call->context);
        free(l);
        return LOOKUP_IMPOSSIBLE;
    }
    int status = start_thread(l);
    if (status != 0) {
        (void)close(l->pipe[1]);
        atomic_store(&l->present, 1); /* there is no thread */
        leave(l);
        errno = status;
        (void)error_system(err, EX_OSERR, "cannot start a thread");
        return LOOKUP_IMPOSSIBLE;
    }
    bool done = wait_for(l, deadline);
    if (done)
        l->call.context = NULL; /* the caller's */
    leave(l);
    return done ? LOOKUP_DONE : LOOKUP_LATE;
}
