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

static bool read_record(const ns_msg *message, const ns_rr *rr, struct srv_record *record)
{
    const unsigned char *data = ns_rr_rdata(*rr);
    if (ns_rr_type(*rr) != ns_t_srv || ns_rr_class(*rr) != ns_c_in || ns_rr_rdlen(*rr) <= SRV_FIXED)
        return false;
    record->priority = ns_get16(data);
    record->weight = ns_get16(data + 2);
    record->port = ns_get16(data + 4);
    int used = dn_expand(ns_msg_base(*message), ns_msg_end(*message), data + SRV_FIXED,
                         record->host, sizeof record->host);
    return used > 0 && used == ns_rr_rdlen(*rr) - SRV_FIXED && is_host(record->host);
}

static bool is_better(const struct srv_record *a, const struct srv_record *b)
{
    if (a->priority != b->priority)
        return a->priority < b->priority;
    return a->weight > b->weight;
}

bool srv_choose(const unsigned char *answer, size_t len, struct srv_record *record)
{
    ns_msg message;
    bool found = false;
    if (len > SRV_ANSWER_MAX || ns_initparse(answer, (int)len, &message) != 0)
        return false;
    for (int i = 0; i < ns_msg_count(message, ns_s_an); i++) {
        ns_rr rr;
        struct srv_record one = {.port = 0};
        if (ns_parserr(&message, ns_s_an, i, &rr) != 0)
            return false;
        if (read_record(&message, &rr, &one) && (!found || is_better(&one, record))) {
            *record = one;
            found = true;
        }
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
