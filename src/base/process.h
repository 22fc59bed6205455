/* Running one helper command and reading what it prints. */
#ifndef PROCESS_H
#define PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/str.h"
#include "base/strlist.h"

struct process {
    const char *command;             /* for `/bin/sh -c`; NULL: */
    const char *program;             /* the path of a program, which gets no argument */
    const struct str *input;         /* its standard input; NULL: /dev/null */
    const struct strlist *variables; /* NAME=VALUE: added to its environment; NAME: removed from
                                        it; NULL: none */
    int64_t deadline;
    size_t limit; /* octets that it may print; 0: what it prints is dropped */
};

/* Runs it as process_output() does, and fills *STATUS with its exit status. True if it has exited
 * and OUT has what it printed. */
bool process_run(const struct process *process, struct str *out, int *status, struct error *err);

/* Runs `/bin/sh -c COMMAND` with /dev/null as standard input, standard error inherited, and appends
 * its standard output to OUT (wiped on failure if OUT is a secret). The child is the leader of a
 * process group of its own, which is killed when DEADLINE passes or more than LIMIT octets come.
 * Fails, as the account's failure, if the command cannot be started, is killed, exits with anything
 * but 0, or takes too long; no child outlives the call. Descriptors above 2 are not passed on. */
bool process_output(const char *command, int64_t deadline, size_t limit, struct str *out,
                    struct error *err);

/* From now on this process ends when PARENT does, whose child it is, however that ends: what a
 * person has killed waits for nothing any more. A change of the user undoes it. */
void process_follow(pid_t parent);

#endif
