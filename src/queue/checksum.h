/* The checksum of spool files: XXH64, a public 64-bit hash that is fast without tables and notices
 * every change that is confined to eight octets. It finds damage; it is no protection against
 * somebody who may write into the spool. */
#ifndef CHECKSUM_H
#define CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

struct checksum {
    uint64_t lane[4];
    uint64_t total; /* octets so far */
    uint64_t seed;
    unsigned char rest[32]; /* octets that do not fill a block yet */
};

void checksum_begin(struct checksum *sum, uint64_t seed);
void checksum_add(struct checksum *sum, const void *data, size_t len);
uint64_t checksum_end(const struct checksum *sum); /* more may be added afterwards */

/* All three in one. */
uint64_t checksum_of(const void *data, size_t len, uint64_t seed);

#endif
