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

struct directory {
    atomic_int state;
    int pid;
    int event; /* descriptor, the same in every process */
    char id[ENTRYID_SIZE];
    struct rendezvous_answer answer;
};

struct rendezvous {
    struct directory directory[RENDEZVOUS_PLACES];
};

struct rendezvous *rendezvous_new(void)
{
    struct rendezvous *rendezvous =
        mmap(NULL, sizeof *rendezvous, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (rendezvous == MAP_FAILED)
        return NULL;
    for (int i = 0; i < RENDEZVOUS_PLACES; i++)
        rendezvous->directory[i].event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return rendezvous;
}

static bool change(struct directory *directory, int from, int to)
{
    return atomic_compare_exchange_strong(&directory->state, &from, to);
}

static void job(const struct directory *directory)
{
    uint64_t count;
    if (read(directory->event, &count, sizeof count) < 0)
        errno = 0; /* nobody had written */
}

int rendezvous_take(struct rendezvous *rendezvous, const char *id)
{
    for (int i = 0; i < RENDEZVOUS_PLACES; i++) {
        struct directory *directory = &rendezvous->directory[i];
        if (directory->event < 0 || !change(directory, FREE, TAKEN))
            continue;
        directory->pid = (int)getpid();
        (void)memcpy(directory->id, id, ENTRYID_SIZE);
        job(directory);
        atomic_store(&directory->state, WAITS);
        return i;
    }
    return -1;
}

/* False if DEADLINE passed, or the client hung up. */
static bool wait_for(const struct directory *directory, int client, int64_t deadline)
{
    struct pollfd fds[2] = {{.fd = directory->event, .events = POLLIN},
                            {.fd = client, .events = POLLRDHUP}};
    for (;;) {
        int ready = poll(fds, 2, clock_poll_timeout(deadline));
        if (ready < 0 && errno == EINTR)
            continue;
        return ready > 0 && (fds[0].revents & POLLIN);
    }
}

bool rendezvous_wait(struct rendezvous *rendezvous, int place_number, int client,
                     struct rendezvous_answer *answer, bool *lost)
{
    struct directory *directory = &rendezvous->directory[place_number];
    *lost = false;
    if (!wait_for(directory, client, clock_after(RENDEZVOUS_SPAN)) &&
        change(directory, WAITS, FREE))
        return false;
    if (atomic_load(&directory->state) != ANSWERED)
        (void)wait_for(directory, -1, clock_after(RENDEZVOUS_SETTLE));
    *lost = atomic_load(&directory->state) != ANSWERED;
    *answer = directory->answer;
    atomic_store(&directory->state, FREE);
    return !*lost;
}

static struct directory *find(struct rendezvous *rendezvous, const char *id, int state)
{
    for (int i = 0; i < RENDEZVOUS_PLACES; i++) {
        struct directory *directory = &rendezvous->directory[i];
        if (atomic_load(&directory->state) == state && strcmp(directory->id, id) == 0)
            return directory;
    }
    return NULL;
}

bool rendezvous_listens(struct rendezvous *rendezvous, const char *id)
{
    struct directory *directory = find(rendezvous, id, WAITS);
    if (!directory || !change(directory, WAITS, ANSWERING))
        return false;
    if (strcmp(directory->id, id) == 0)
        return true;
    atomic_store(&directory->state, WAITS); /* it had changed hands */
    return false;
}

void rendezvous_tell(struct rendezvous *rendezvous, const char *id,
                     const struct rendezvous_answer *answer)
{
    static const uint64_t one = 1;
    struct directory *directory = find(rendezvous, id, ANSWERING);
    if (!directory)
        return;
    directory->answer = *answer;
    atomic_store(&directory->state, ANSWERED);
    if (write(directory->event, &one, sizeof one) < 0)
        errno = 0; /* it is looked at after some time in any case */
}

void rendezvous_forget(struct rendezvous *rendezvous, int pid)
{
    for (int i = 0; i < RENDEZVOUS_PLACES; i++)
        if (rendezvous->directory[i].pid == pid &&
            atomic_load(&rendezvous->directory[i].state) != FREE)
            atomic_store(&rendezvous->directory[i].state, FREE);
}
