/* TLSA records (RFC 6698): which certificate or key a TLS server has, as its domain says. For mail
 * DANE-EE and DANE-TA alone count (RFC 7672, 3.1), and only what DNSSEC proves. */
#ifndef TLSA_H
#define TLSA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

enum { TLSA_TYPE = 52, TLSA_RECORDS_MAX = 32 };

enum tlsa_usage { TLSA_TA = 2, TLSA_EE = 3 }; /* RFC 7218 */
enum tlsa_selector { TLSA_CERT, TLSA_SPKI };  /* all of the certificate, or its key */
enum tlsa_matching { TLSA_FULL, TLSA_SHA256, TLSA_SHA512 };

struct tlsa_record {
    enum tlsa_usage usage;
    enum tlsa_selector selector;
    enum tlsa_matching matching;
    const unsigned char *data; /* in the answer */
    size_t len;
};

struct tlsa {
    struct str answer;
    struct tlsa_record record[TLSA_RECORDS_MAX]; /* those that can be used; there is one at least */
    size_t n;
};

/* Asks for the records of HOST's PORT until DEADLINE, a moment, and fills TLSA, which is cleared
 * first. False unless there is one that can be used and DNSSEC proves the answer: account,
 * temporary, EX_UNAVAILABLE. */
bool tlsa_find(struct tlsa *tlsa, const char *host, int port, int64_t deadline, struct error *err);

/* Reads the `answer` of TLSA about NAME; as tlsa_find(). */
bool tlsa_read(struct tlsa *tlsa, const char *name, struct error *err);

void tlsa_clear(struct tlsa *tlsa);

#endif
