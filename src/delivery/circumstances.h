/* The files that hold an account's settings and secrets. While an account fails, a change of one of
 * them is a reason to try it at once. */
#ifndef CIRCUMSTANCES_H
#define CIRCUMSTANCES_H

#include <stdint.h>

#include "config/site.h"

/* A checksum over device, inode, size and time of the last change of each file that a connection of
 * ACCOUNT depends on: the configuration, its password, trust and certificate files, netrc, and with
 * `oauth` the files of its secret and key. The output of a command and the tokens are no part of
 * it. */
uint64_t circumstances_of(const struct site *site, const struct account *account);

#endif
