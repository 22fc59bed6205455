/* What a name server answers (RFC 1035, 4.1), for tests. */
#ifndef DNSPACKET_H
#define DNSPACKET_H

#include <string.h>

#include "base/str.h"

enum { DNSPACKET_AUTHENTIC = 0x20 }; /* a flag: DNSSEC has proven it (RFC 4035, 3.1.6) */

static inline void dnspacket_add_16(struct str *out, unsigned value)
{
    str_add_char(out, (char)(value >> 8));
    str_add_char(out, (char)(value & 0xff));
}

/* The header and the question; N records about the same name follow. NAME is its labels with
 * their lengths in front. */
static inline void dnspacket_begin(struct str *out, const char *name, unsigned flags, unsigned type,
                                   unsigned n)
{
    const unsigned header[] = {4711, 0x8180 | flags, 1, n, 0, 0};
    for (size_t i = 0; i < sizeof header / sizeof *header; i++)
        dnspacket_add_16(out, header[i]);
    str_add_n(out, name, strlen(name) + 1);
    dnspacket_add_16(out, type);
    dnspacket_add_16(out, 1);
}

/* A record up to its data, of LEN octets. */
static inline void dnspacket_add_record(struct str *out, unsigned type, size_t len)
{
    const unsigned words[] = {0xc00c /* the name above */, type, 1, 0, 60, (unsigned)len};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        dnspacket_add_16(out, words[i]);
}

#endif
