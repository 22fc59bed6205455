#include "config.h"
#include "submit/interrupt.h"

#include <signal.h>
#include <sysexits.h>
#include <unistd.h>

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
enum { SIGNALS = sizeof signals / sizeof *signals };

/* A handler can learn of it in no other way. */
static const struct entry_writer *volatile begun;

static void set_handler(void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};
    (void)sigemptyset(&action.sa_mask);
    for (int i = 0; i < SIGNALS; i++)
        (void)sigaction(signals[i], &action, NULL);
}

static void block(int how)
{
    sigset_t set;
    (void)sigemptyset(&set);
    for (int i = 0; i < SIGNALS; i++)
        (void)sigaddset(&set, signals[i]);
    (void)sigprocmask(how, &set, NULL);
}

static void discard(int number)
{
    entry_writer_discard(begun);
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

static void leave(int number)
{
    (void)number;
    _exit(EX_OK);
}

void interrupt_before_commit(const struct entry_writer *writer)
{
    begun = writer;
    set_handler(discard);
}

void interrupt_during_commit(void)
{
    block(SIG_BLOCK);
    begun = NULL;
}

void interrupt_after_commit(void)
{
    set_handler(leave);
    block(SIG_UNBLOCK);
}

void interrupt_as_usual(void)
{
    set_handler(SIG_DFL);
    block(SIG_UNBLOCK);
}
