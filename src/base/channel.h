/* What two processes of this program, made by fork(2), say to each other over a socket pair: one
 * asks the other for what it may not do itself. Blocks; a peer that ends is a failure. */
#ifndef CHANNEL_H
#define CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Makes the pair, closed on exec, and a child. Returns as fork(2); *FD is this process's end, -1 if
 * there is none. */
pid_t channel_fork(int *fd);

/* All of LEN octets, or false. */
bool channel_read(int fd, void *data, size_t len);
bool channel_write(int fd, const void *data, size_t len);

/* Closes this end, which ends the child CHILD (-1: none), and waits for that. Returns its status as
 * waitpid(2), -1 if it cannot be known. */
int channel_end(int fd, pid_t child);

#endif
