#include "config.h"
#include "submit/rendezvous.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"

enum { FREE, TAKEN, WAITS, ANSWERING, ANSWERED };

struct place {
    atomic_int state;
    int pid;
    int event; /* descriptor, the same in every process */
    char id[ENTRYID_SIZE];
    struct waiting_answer answer;
};

struct waiting {
    struct place place[WAITING_PLACES];
};

struct waiting *waiting_new(void)
{
    struct waiting *waiting =
        mmap(NULL, sizeof *waiting, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (waiting == MAP_FAILED)
        return NULL;
    for (int i = 0; i < WAITING_PLACES; i++)
        waiting->place[i].event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return waiting;
}

static bool change(struct place *place, int from, int to)
{
    return atomic_compare_exchange_strong(&place->state, &from, to);
}

static void drain(const struct place *place)
{
    uint64_t count;
    if (read(place->event, &count, sizeof count) < 0)
        errno = 0; /* nobody had written */
}

int waiting_take(struct waiting *waiting, const char *id)
{
    for (int i = 0; i < WAITING_PLACES; i++) {
        struct place *place = &waiting->place[i];
        if (place->event < 0 || !change(place, FREE, TAKEN))
            continue;
        place->pid = (int)getpid();
        (void)memcpy(place->id, id, ENTRYID_SIZE);
        drain(place);
        atomic_store(&place->state, WAITS);
        return i;
    }
    return -1;
}

/* False if DEADLINE passed, or the client hung up. */
static bool wait_for(const struct place *place, int client, int64_t deadline)
{
    struct pollfd fds[2] = {{.fd = place->event, .events = POLLIN},
                            {.fd = client, .events = POLLRDHUP}};
    for (;;) {
        int ready = poll(fds, 2, clock_poll_timeout(deadline));
        if (ready < 0 && errno == EINTR)
            continue;
        return ready > 0 && (fds[0].revents & POLLIN);
    }
}

bool waiting_wait(struct waiting *waiting, int place_number, int client,
                  struct waiting_answer *answer, bool *lost)
{
    struct place *place = &waiting->place[place_number];
    *lost = false;
    if (!wait_for(place, client, clock_after(WAITING_SPAN)) && change(place, WAITS, FREE))
        return false;
    if (atomic_load(&place->state) != ANSWERED)
        (void)wait_for(place, -1, clock_after(WAITING_SETTLE));
    *lost = atomic_load(&place->state) != ANSWERED;
    *answer = place->answer;
    atomic_store(&place->state, FREE);
    return !*lost;
}

static struct place *find(struct waiting *waiting, const char *id, int state)
{
    for (int i = 0; i < WAITING_PLACES; i++) {
        struct place *place = &waiting->place[i];
        if (atomic_load(&place->state) == state && strcmp(place->id, id) == 0)
            return place;
    }
    return NULL;
}

bool waiting_listens(struct waiting *waiting, const char *id)
{
    struct place *place = find(waiting, id, WAITS);
    if (!place || !change(place, WAITS, ANSWERING))
        return false;
    if (strcmp(place->id, id) == 0)
        return true;
    atomic_store(&place->state, WAITS); /* it had changed hands */
    return false;
}

void waiting_tell(struct waiting *waiting, const char *id, const struct waiting_answer *answer)
{
    static const uint64_t one = 1;
    struct place *place = find(waiting, id, ANSWERING);
    if (!place)
        return;
    place->answer = *answer;
    atomic_store(&place->state, ANSWERED);
    if (write(place->event, &one, sizeof one) < 0)
        errno = 0; /* it is looked at after some time in any case */
}

void waiting_forget(struct waiting *waiting, int pid)
{
    for (int i = 0; i < WAITING_PLACES; i++)
        if (waiting->place[i].pid == pid && atomic_load(&waiting->place[i].state) != FREE)
            atomic_store(&waiting->place[i].state, FREE);
}
