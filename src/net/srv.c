#include "config.h"
#include "net/srv.h"

#include <arpa/nameser.h>
#include <ctype.h>
#include <netinet/in.h>
#include <resolv.h>
#include <string.h>

#include "base/clock.h"
#include "net/dnsanswer.h"

enum { SRV_FIXED = 6 }; /* octets of priority, weight and port */

/* A name that could not be a host's is no answer. */
static bool is_host(const char *name)
{
    for (; *name; name++)
        if (!isalnum((unsigned char)*name) && !strchr("-_.", *name))
            return false;
    return true;
}

/* Reads the data of a record. */
static bool read_record(const struct dnsanswer *answer, const struct dnsanswer_data *data,
                        struct srv_record *record)
{
    if (data->len <= SRV_FIXED)
        return false;
    record->priority = dnsanswer_get16(data->at);
    record->weight = dnsanswer_get16(data->at + 2);
    record->port = dnsanswer_get16(data->at + 4);
    int used = dn_expand(answer->begin, answer->end, data->at + SRV_FIXED, record->host,
                         sizeof record->host);
    return used > 0 && (size_t)used == data->len - SRV_FIXED && is_host(record->host);
}

static bool is_better(const struct srv_record *a, const struct srv_record *b)
{
    if (a->priority != b->priority)
        return a->priority < b->priority;
    return a->weight > b->weight;
}

bool srv_choose(const unsigned char *text, size_t len, struct srv_record *record)
{
    struct dnsanswer answer;
    struct dnsanswer_data data;
    struct srv_record one;
    bool found = false;
    (void)dnsanswer_open(&answer, text, len);
    while (dnsanswer_next(&answer, ns_t_srv, &data))
        if (read_record(&answer, &data, &one) && (!found || is_better(&one, record))) {
            *record = one;
            found = true;
        }
    return found && !answer.malformed;
}

bool srv_find(const char *name, struct srv_record *record)
{
    enum { PATIENCE = 10000 }; /* milliseconds that a person waits */
    struct str answer = {0};
    bool found = dnsanswer_ask(&answer, name, ns_t_srv, clock_after(PATIENCE)) == DNSANSWER_FOUND &&
                 srv_choose((const unsigned char *)answer.data, answer.len, record);
    str_clear(&answer);
    return found;
}
