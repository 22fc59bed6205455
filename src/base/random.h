/* A number that spreads things: times of attempts, hosts of a list. No secret is made of it. */
#ifndef RANDOM_H
#define RANDOM_H

#include <stdint.h>

/* Never waits: as long as the kernel has no randomness it is the processor's time. */
uint64_t random_number(void);

#endif
