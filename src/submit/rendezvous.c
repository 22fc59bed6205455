#include "config.h"
#include "submit/rendezvous.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

enum { FREE, TAKEN, WAITS, ANSWERING, ANSWERED };

struct meeting {
    atomic_int state;
    int pid;
    int event; /* descriptor, the same in every process */
    char id[ENTRYID_SIZE];
    struct rendezvous_answer answer;
};

struct rendezvous {
    struct meeting meeting[RENDEZVOUS_PLACES];
};

struct rendezvous *rendezvous_new(void)
{
    struct rendezvous *rendezvous = memory_shared(sizeof *rendezvous);
    for (int i = 0; rendezvous && i < RENDEZVOUS_PLACES; i++)
        rendezvous->meeting[i].event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return rendezvous;
}

static bool change(struct meeting *meeting, int from, int to)
{
    return atomic_compare_exchange_strong(&meeting->state, &from, to);
}

static void empty(const struct meeting *meeting)
{
    uint64_t count;
    if (read(meeting->event, &count, sizeof count) < 0)
        errno = 0; /* nobody had written */
}

int rendezvous_take(struct rendezvous *rendezvous, const char *id)
{
    for (int i = 0; i < RENDEZVOUS_PLACES; i++) {
        struct meeting *meeting = &rendezvous->meeting[i];
        if (meeting->event < 0 || !change(meeting, FREE, TAKEN))
            continue;
        meeting->pid = (int)getpid();
        (void)memcpy(meeting->id, id, ENTRYID_SIZE);
        empty(meeting);
        atomic_store(&meeting->state, WAITS);
        return i;
    }
    return -1;
}

/* False if DEADLINE passed, or the client hung up. */
static bool wait_for(const struct meeting *meeting, int client, int64_t deadline)
{
    struct pollfd fds[2] = {{.fd = meeting->event, .events = POLLIN},
                            {.fd = client, .events = POLLRDHUP}};
    for (;;) {
        int ready = poll(fds, 2, clock_poll_timeout(deadline));
        if (ready < 0 && errno == EINTR)
            continue;
        return ready > 0 && (fds[0].revents & POLLIN);
    }
}

bool rendezvous_wait(struct rendezvous *rendezvous, int place, int client,
                     struct rendezvous_answer *answer, bool *lost)
{
    struct meeting *meeting = &rendezvous->meeting[place];
    *lost = false;
    if (!wait_for(meeting, client, clock_after(RENDEZVOUS_SPAN)) && change(meeting, WAITS, FREE))
        return false;
    if (atomic_load(&meeting->state) != ANSWERED)
        (void)wait_for(meeting, -1, clock_after(RENDEZVOUS_SETTLE));
    *lost = atomic_load(&meeting->state) != ANSWERED;
    *answer = meeting->answer;
    atomic_store(&meeting->state, FREE);
    return !*lost;
}

static struct meeting *find(struct rendezvous *rendezvous, const char *id, int state)
{
    for (int i = 0; i < RENDEZVOUS_PLACES; i++) {
        struct meeting *meeting = &rendezvous->meeting[i];
        if (atomic_load(&meeting->state) == state && strcmp(meeting->id, id) == 0)
            return meeting;
    }
    return NULL;
}

bool rendezvous_is_awaited(struct rendezvous *rendezvous, const char *id)
{
    struct meeting *meeting = find(rendezvous, id, WAITS);
    if (!meeting || !change(meeting, WAITS, ANSWERING))
        return false;
    if (strcmp(meeting->id, id) == 0)
        return true;
    atomic_store(&meeting->state, WAITS); /* it had changed hands */
    return false;
}

void rendezvous_report_result(struct rendezvous *rendezvous, const char *id,
                              const struct rendezvous_answer *answer)
{
    static const uint64_t one = 1;
    struct meeting *meeting = find(rendezvous, id, ANSWERING);
    if (!meeting)
        return;
    meeting->answer = *answer;
    atomic_store(&meeting->state, ANSWERED);
    if (write(meeting->event, &one, sizeof one) < 0)
        errno = 0; /* it is looked at after some time in any case */
}

void rendezvous_forget(struct rendezvous *rendezvous, int pid)
{
    for (int i = 0; i < RENDEZVOUS_PLACES; i++)
        if (rendezvous->meeting[i].pid == pid && atomic_load(&rendezvous->meeting[i].state) != FREE)
            atomic_store(&rendezvous->meeting[i].state, FREE);
}
