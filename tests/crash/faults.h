/* Faults at file calls. A program linked with the --wrap options of tests/Makefile.am has every
 * such call of the spool counted; at the one that was chosen the process is killed, the call fails,
 * or a write is done by half first. Portable, fast, and it meets a sanitized build as it is. */
#ifndef FAULTS_H
#define FAULTS_H

#include <stdbool.h>
#include <stddef.h>

enum fault_kind {
    FAULT_NONE,
    FAULT_KILL,      /* SIGKILL before the call */
    FAULT_TEAR,      /* the same, but a write writes half of its octets first */
    FAULT_FAIL,      /* the call fails with `number` */
    FAULT_FAIL_HALF, /* the same, but a write writes half first, and fails when called again */
    FAULT_FROM_NOW,  /* this call and every later one that changes something fail */
    FAULT_FULL,      /* this call and every later one that needs space fail: no new names, no file
                        grows, what is there can be written over and removed */
};

struct faults {
    enum fault_kind kind;
    unsigned at; /* counted from 1 */
    int number;  /* errno */
    unsigned count;
    bool grows; /* the present call needs space */
    char trace[2048]; /* "write fsync renameat2 fsync-dir ", calls that change something */
};

/* The calls of this process. Reset it before a story. */
struct faults *faults(void);

#endif
