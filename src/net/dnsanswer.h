/* Answers of a name server (RFC 1035, 4.1), record by record; for records of which libc knows
 * nothing. What is read comes from outside, and nothing of it is trusted. */
#ifndef DNSANSWER_H
#define DNSANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum { DNSANSWER_MAX = 65535 };

struct dnsanswer {
    const unsigned char *begin, *at, *end;
    unsigned left;  /* records of the section of answers that were not looked at */
    bool malformed; /* it ended too early */
};

struct dnsanswer_data {
    const unsigned char *at; /* in the answer */
    size_t len;
};

/* The number in the two octets at AT. */
unsigned dnsanswer_get16(const unsigned char *at);

/* Begins with an answer of LEN octets, which must stay. False if it is malformed. */
bool dnsanswer_open(struct dnsanswer *answer, const unsigned char *text, size_t len);

/* The next record of TYPE, class IN, of any owner. False: there is none, or it is malformed. */
bool dnsanswer_next(struct dnsanswer *answer, unsigned type, struct dnsanswer_data *data);

/* True if the resolver says that DNSSEC proves the answer (AD, RFC 4035, 3.2.3), and may say so:
 * libc keeps that bit if /etc/resolv.conf has `options trust-ad`. */
bool dnsanswer_is_secure(const struct dnsanswer *answer);

enum dnsanswer_result {
    DNSANSWER_FOUND,
    DNSANSWER_NONE,   /* no such record, or no name server can say */
    DNSANSWER_SILENT, /* none answered in time */
};

/* Asks the system's resolver until DEADLINE, a moment, and appends the answer to OUT. */
enum dnsanswer_result dnsanswer_ask(struct str *out, const char *name, unsigned type,
                                    int64_t deadline);

#endif
