/* A process gives up what it does not need: after that, what takes it over through a bad reply or a
 * bad message cannot either. Landlock (files) and seccomp (system calls), where the kernel has them
 * and the build knew them; elsewhere the functions do the rest and say so. Nothing of it
 * can be undone, and children inherit it. */
#ifndef CONFINE_H
#define CONFINE_H

#include <stdbool.h>

#include "base/strlist.h"

enum {
    CONFINE_FILES = 1, /* Landlock, which must know renames across directories (ABI 2) */
    CONFINE_CALLS = 2, /* seccomp */
};

/* Zeroed memory allows no file, no other program, no network. */
struct confinement {
    /* Files, and directories with all below, whose names end in a slash; what is missing, or is the
     * other of the two, is no error. */
    const struct strlist *read;
    const struct strlist *write; /* likewise: to be read, changed, made, renamed and removed */
    int write_below;             /* descriptor of one more such directory; 0: none */
    bool execute;                /* other programs, other processes */
    bool network;                /* sockets other than AF_UNIX: of the Internet, and rtnetlink(7) */
};

/* No core dump, and no look into this process by others of its user: before a secret is read. */
void confine_memory(void);

/* Keeps CONFINEMENT from now on, and no new privileges. Returns which of them hold (CONFINE_*). */
unsigned confine_process(const struct confinement *confinement);

/* True in a build whose leak checker looks into its own process as a debugger would, at its end:
 * processes that end so are not confined. */
bool confine_is_debugged(void);

/* Which fences confine_process() could set up here: for `onehopctl check`. */
unsigned confine_available(void);

#endif
