#include "config.h"
#include "net/srv.h"

#include <arpa/nameser.h>
#include <ctype.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { SRV_FIXED = 6 }; /* octets of priority, weight and port */

/* A name that could not be a host's is no answer. */
static bool is_host(const char *name)
{
    for (; *name; name++)
        if (!isalnum((unsigned char)*name) && !strchr("-_.", *name))
            return false;
    return true;
}

static unsigned get16(const unsigned char *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

/* Skips a name and FIXED octets behind it. False if the answer ends before. */
static bool skip_name(const unsigned char **at, const unsigned char *end, ptrdiff_t fixed)
{
    int len = dn_skipname(*at, end);
    if (len < 0 || end - *at - len < fixed)
        return false;
    *at += len + fixed;
    return true;
}

/* Reads the data of a record, LEN octets at AT in ANSWER, which goes to END. */
static bool read_record(const unsigned char *answer, const unsigned char *end,
                        const unsigned char *at, int len, struct srv_record *record)
{
    if (len <= SRV_FIXED)
        return false;
    record->priority = get16(at);
    record->weight = get16(at + 2);
    record->port = get16(at + 4);
    int used = dn_expand(answer, end, at + SRV_FIXED, record->host, sizeof record->host);
    return used > 0 && used == len - SRV_FIXED && is_host(record->host);
}

static bool is_better(const struct srv_record *a, const struct srv_record *b)
{
    if (a->priority != b->priority)
        return a->priority < b->priority;
    return a->weight > b->weight;
}

bool srv_choose(const unsigned char *answer, size_t len, struct srv_record *record)
{
    const unsigned char *at = answer + NS_HFIXEDSZ, *end = answer + len;
    bool found = false;
    if (len > SRV_ANSWER_MAX || len < NS_HFIXEDSZ)
        return false;
    for (unsigned n = get16(answer + 4); n > 0; n--) /* QDCOUNT, RFC 1035, 4.1.1 */
        if (!skip_name(&at, end, NS_QFIXEDSZ))
            return false;
    for (unsigned n = get16(answer + 6); n > 0; n--) { /* ANCOUNT */
        struct srv_record one = {.port = 0};
        if (!skip_name(&at, end, NS_RRFIXEDSZ))
            return false;
        const unsigned char *fixed = at - NS_RRFIXEDSZ; /* type, class, lifetime, length */
        int data = (int)get16(fixed + 8);
        if (end - at < data)
            return false;
        if (get16(fixed) == ns_t_srv && get16(fixed + 2) == ns_c_in &&
            read_record(answer, end, at, data, &one) && (!found || is_better(&one, record))) {
            *record = one;
            found = true;
        }
        at += data;
    }
    return found;
}

bool srv_find(const char *name, struct srv_record *record)
{
    unsigned char *answer = memory_new(SRV_ANSWER_MAX);
    int len = res_query(name, ns_c_in, ns_t_srv, answer, SRV_ANSWER_MAX);
    bool found = len > 0 && len <= SRV_ANSWER_MAX && srv_choose(answer, (size_t)len, record);
    free(answer);
    return found;
}
