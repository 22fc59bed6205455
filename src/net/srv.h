/* SRV records (RFC 2782), for finding a submission server by a mail domain (RFC 6186, RFC 8314).
 * Asked only when a person sets an account up: DNS that is forged at sending time must not choose
 * who gets the password. */
#ifndef SRV_H
#define SRV_H

#include <stdbool.h>
#include <stddef.h>

enum { SRV_NAME_MAX = 256 };

struct srv_record {
    char host[SRV_NAME_MAX]; /* without the final dot; "" is "this service is not offered here" */
    unsigned port, priority, weight;
};

/* Looks through a DNS answer of LEN octets for the SRV record of the lowest priority and, among
 * those, the highest weight. False if there is none, or the answer is malformed. */
bool srv_choose(const unsigned char *answer, size_t len, struct srv_record *record);

/* Asks the system's resolver for NAME ("_submissions._tcp.example.com"). False: no such record, or
 * no answer came. */
bool srv_find(const char *name, struct srv_record *record);

#endif
