#include "config.h"
#include "net/tlsa.h"

#include <sysexits.h>

#include "base/translation.h"
#include "net/dnsanswer.h"

enum { FIXED = 3 }; /* octets of usage, selector and matching type */

static const size_t lengths[] = {[TLSA_SHA256] = 32, [TLSA_SHA512] = 64};

/* False: a record that cannot be used; others may be. */
static bool take(struct tlsa_record *record, const struct dnsanswer_data *data)
{
    if (data->len <= FIXED)
        return false;
    unsigned usage = data->at[0], selector = data->at[1], matching = data->at[2];
    *record = (struct tlsa_record){
        .usage = usage,
        .selector = selector,
        .matching = matching,
        .data = data->at + FIXED,
        .len = data->len - FIXED,
    };
    return (usage == TLSA_TA || usage == TLSA_EE) && selector <= TLSA_SPKI &&
           matching <= TLSA_SHA512 && (matching == TLSA_FULL || record->len == lengths[matching]);
}

static bool refuse(struct error *err, const char *format, const char *name)
{
    (void)error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_UNAVAILABLE, format, name);
    return error_prefix(err, "tls_dane");
}

bool tlsa_read(struct tlsa *tlsa, const char *name, struct error *err)
{
    struct dnsanswer answer;
    struct dnsanswer_data data;
    tlsa->n = 0;
    (void)dnsanswer_open(&answer, (const unsigned char *)str_text(&tlsa->answer), tlsa->answer.len);
    while (tlsa->n < TLSA_RECORDS_MAX && dnsanswer_next(&answer, TLSA_TYPE, &data))
        if (take(&tlsa->record[tlsa->n], &data))
            tlsa->n++;
    if (answer.malformed)
        return refuse(err, N_("a malformed answer about the TLSA records of %s"), name);
    if (!dnsanswer_is_secure(&answer))
        return refuse(
            err,
            N_("DNSSEC does not prove the TLSA records of %s: their domain is not signed, "
               "the resolver does not validate, or /etc/resolv.conf lacks `options trust-ad`"),
            name);
    return tlsa->n > 0 ||
           refuse(err, N_("%s has no TLSA record that mail can use (usage 2 or 3)"), name);
}

bool tlsa_find(struct tlsa *tlsa, const char *host, int port, int64_t deadline, struct error *err)
{
    struct str name = {0};
    tlsa_clear(tlsa);
    str_addf(&name, "_%d._tcp.%s", port, host);
    enum dnsanswer_result result =
        dnsanswer_ask(&tlsa->answer, str_text(&name), TLSA_TYPE, deadline);
    bool ok = result == DNSANSWER_FOUND ? tlsa_read(tlsa, str_text(&name), err)
              : result == DNSANSWER_SILENT
                  ? refuse(err, N_("the resolver did not answer in time for %s"), str_text(&name))
                  : refuse(err,
                           N_("no TLSA record was found for %s: there is none, or the resolver "
                              "refuses its DNSSEC"),
                           str_text(&name));
    str_clear(&name);
    return ok;
}

void tlsa_clear(struct tlsa *tlsa)
{
    str_clear(&tlsa->answer);
    tlsa->n = 0;
}
