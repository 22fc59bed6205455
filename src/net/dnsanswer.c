#include "config.h"
#include "net/dnsanswer.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdlib.h>

#include "base/memory.h"
#include "net/lookup.h"

/* Where libc has no option that clears the bit, the bit is not trusted. */
#ifdef RES_TRUSTAD
enum { TRUST_AD = RES_TRUSTAD };
#else
enum { TRUST_AD = 0 };
#endif

enum { AD = 0x20 }; /* in the fourth octet of a header */

unsigned dnsanswer_get16(const unsigned char *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

/* Skips a name and FIXED octets behind it. */
static bool skip_name(struct dnsanswer *a, ptrdiff_t fixed)
{
    int len = dn_skipname(a->at, a->end);
    a->malformed = a->malformed || len < 0 || a->end - a->at - len < fixed;
    if (!a->malformed)
        a->at += len + fixed;
    return !a->malformed;
}

bool dnsanswer_open(struct dnsanswer *a, const unsigned char *text, size_t len)
{
    *a = (struct dnsanswer){.begin = text, .at = text, .end = text + len};
    a->malformed = len < NS_HFIXEDSZ || len > DNSANSWER_MAX;
    if (a->malformed)
        return false;
    a->at += NS_HFIXEDSZ;
    a->left = dnsanswer_get16(text + 6);                     /* ANCOUNT */
    for (unsigned n = dnsanswer_get16(text + 4); n > 0; n--) /* QDCOUNT */
        if (!skip_name(a, NS_QFIXEDSZ))
            return false;
    return true;
}

bool dnsanswer_next(struct dnsanswer *a, unsigned type, struct dnsanswer_data *data)
{
    while (!a->malformed && a->left > 0) {
        if (!skip_name(a, NS_RRFIXEDSZ))
            return false;
        const unsigned char *fixed = a->at - NS_RRFIXEDSZ; /* type, class, lifetime, length */
        *data = (struct dnsanswer_data){a->at, dnsanswer_get16(fixed + 8)};
        a->malformed = (size_t)(a->end - a->at) < data->len;
        if (a->malformed)
            return false;
        a->at += data->len;
        a->left--;
        if (dnsanswer_get16(fixed) == type && dnsanswer_get16(fixed + 2) == ns_c_in)
            return true;
    }
    return false;
}

bool dnsanswer_is_secure(const struct dnsanswer *a)
{
    return a->end - a->begin >= NS_HFIXEDSZ && (a->begin[3] & AD) != 0;
}

struct question {
    char *name;
    unsigned type;
    struct str answer;
    bool silent;
};

/* What libc thinks of the resolver is known to the thread that has asked. */
static void ask(void *context)
{
    struct question *q = context;
    unsigned char *answer = memory_new(DNSANSWER_MAX);
    int len = res_query(q->name, ns_c_in, (int)q->type, answer, DNSANSWER_MAX);
    q->silent = len < 0 && errno == ETIMEDOUT; /* h_errno says the same of SERVFAIL */
    if (len >= NS_HFIXEDSZ && len <= DNSANSWER_MAX) {
        if ((_res.options & TRUST_AD) == 0)
            answer[3] &= (unsigned char)~AD;
        str_add_n(&q->answer, (const char *)answer, (size_t)len);
    }
    free(answer);
}

static void question_free(void *context)
{
    struct question *q = context;
    str_clear(&q->answer);
    free(q->name);
    free(q);
}

enum dnsanswer_result dnsanswer_ask(struct str *out, const char *name, unsigned type,
                                    int64_t deadline)
{
    struct question *q = memory_new(sizeof *q);
    const struct lookup_call call = {ask, question_free, q};
    struct error ignored; /* without a thread nobody is asked */
    q->name = memory_copy(name);
    q->type = type;
    if (lookup_run(&call, deadline, &ignored) != LOOKUP_DONE)
        return DNSANSWER_SILENT;
    enum dnsanswer_result result = q->answer.len > 0 ? DNSANSWER_FOUND : DNSANSWER_NONE;
    str_add_n(out, str_text(&q->answer), q->answer.len);
    if (result == DNSANSWER_NONE && q->silent)
        result = DNSANSWER_SILENT;
    question_free(q);
    return result;
}
