#include "config.h"
#include "queue/checksum.h"

#include <endian.h>
#include <string.h>

static const uint64_t prime[5] = {
    0x9e3779b185ebca87, 0xc2b2ae3d27d4eb4f, 0x165667b19e3779f9,
    0x85ebca77c2b2ae63, 0x27d4eb2f165667c5,
};

static uint64_t rotate(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

/* Octets are little-endian numbers, whatever the machine. */
static uint64_t number64(const unsigned char *p)
{
    uint64_t n;
    memcpy(&n, p, sizeof n);
    return le64toh(n);
}

static uint64_t number32(const unsigned char *p)
{
    uint32_t n;
    memcpy(&n, p, sizeof n);
    return le32toh(n);
}

static uint64_t mix(uint64_t lane, uint64_t input)
{
    return rotate(lane + input * prime[1], 31) * prime[0];
}

void checksum_begin(struct checksum *sum, uint64_t seed)
{
    *sum = (struct checksum){
        .lane = {seed + prime[0] + prime[1], seed + prime[1], seed, seed - prime[0]},
        .seed = seed,
    };
}

static void block(struct checksum *sum, const unsigned char *p)
{
    for (int i = 0; i < 4; i++)
        sum->lane[i] = mix(sum->lane[i], number64(p + 8 * i));
}

void checksum_add(struct checksum *sum, const void *data, size_t len)
{
    const unsigned char *p = data;
    size_t held = sum->total % sizeof sum->rest;
    sum->total += len;
    if (held > 0) {
        size_t room = sizeof sum->rest - held;
        size_t take = len < room ? len : room;
        memcpy(sum->rest + held, p, take);
        if (take < room)
            return;
        block(sum, sum->rest);
        p += take;
        len -= take;
    }
    for (; len >= sizeof sum->rest; p += sizeof sum->rest, len -= sizeof sum->rest)
        block(sum, p);
    if (len > 0)
        memcpy(sum->rest, p, len);
}

static uint64_t join_lanes(const struct checksum *sum)
{
    static const int turn[4] = {1, 7, 12, 18};
    if (sum->total < sizeof sum->rest)
        return sum->seed + prime[4];
    uint64_t all = 0;
    for (int i = 0; i < 4; i++)
        all += rotate(sum->lane[i], turn[i]);
    for (int i = 0; i < 4; i++)
        all = (all ^ mix(0, sum->lane[i])) * prime[0] + prime[3];
    return all;
}

uint64_t checksum_end(const struct checksum *sum)
{
    uint64_t all = join_lanes(sum) + sum->total;
    const unsigned char *p = sum->rest, *end = p + sum->total % sizeof sum->rest;
    for (; end - p >= 8; p += 8)
        all = rotate(all ^ mix(0, number64(p)), 27) * prime[0] + prime[3];
    if (end - p >= 4) {
        all = rotate(all ^ number32(p) * prime[0], 23) * prime[1] + prime[2];
        p += 4;
    }
    for (; p < end; p++)
        all = rotate(all ^ *p * prime[4], 11) * prime[0];
    all = (all ^ all >> 33) * prime[1];
    all = (all ^ all >> 29) * prime[2];
    return all ^ all >> 32;
}

uint64_t checksum_of(const void *data, size_t len, uint64_t seed)
{
    struct checksum sum;
    checksum_begin(&sum, seed);
    checksum_add(&sum, data, len);
    return checksum_end(&sum);
}
