/* What an account's failure may depend on: the files that hold its settings and secrets. */
#ifndef CIRCUMSTANCES_H
#define CIRCUMSTANCES_H

#include <stdint.h>

#include "config/site.h"

/* A number that changes when one of the files changes that a connection of ACCOUNT is made from:
 * the configuration, its password, trust and certificate files, netrc, and of an account with
 * `oauth` the files of its secret and key (device, inode, size and time of the last change of each).
 * What a command prints and the tokens are not seen. */
uint64_t circumstances_of(const struct site *site, const struct account *account);

#endif
