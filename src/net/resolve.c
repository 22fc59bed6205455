#include "config.h"
#include "net/resolve.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/idna.h"
#include "base/memory.h"
#include "base/translation.h"
#include "net/lookup.h"

/* One question to getaddrinfo(). */
struct question {
    char *name;
    char port[8];
    struct addrinfo *answer;
    int status, number;
};

static int look_up(const char *name, const char *port, int flags, struct addrinfo **answer)
{
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV};
    return getaddrinfo(name, port, &hints, answer);
}

static void ask(void *context)
{
    struct question *q = context;
    struct addrinfo *answer = NULL;
    q->status = look_up(q->name, q->port, 0, &answer);
    q->number = errno;
    q->answer = q->status == 0 ? answer : NULL;
}

static void question_free(void *context)
{
    struct question *q = context;
    if (q->answer)
        freeaddrinfo(q->answer);
    free(q->name);
    free(q);
}

/* Interleaves the two families, beginning with the first answer's. */
static void take_answer(const struct addrinfo *answer, struct resolve_list *list)
{
    const struct addrinfo *next[2] = {answer, answer};
    int family = answer ? answer->ai_family : AF_UNSPEC;
    list->n = 0;
    for (int turn = 0; list->n < RESOLVE_MAX && (next[0] || next[1]); turn = !turn) {
        const struct addrinfo **at = &next[turn];
        while (*at && ((*at)->ai_family == family) != (turn == 0))
            *at = (*at)->ai_next;
        if (!*at)
            continue;
        struct resolve_address *item = &list->item[list->n++];
        memcpy(&item->address, (*at)->ai_addr, (*at)->ai_addrlen);
        item->len = (*at)->ai_addrlen;
        if (getnameinfo((*at)->ai_addr, (*at)->ai_addrlen, item->text, sizeof item->text, NULL, 0,
                        NI_NUMERICHOST) != 0)
            (void)snprintf(item->text, sizeof item->text, "?");
        *at = (*at)->ai_next;
    }
}

static bool no_answer(const char *host, int status, int number, struct error *err)
{
    bool missing = status == EAI_NONAME || status == EAI_NODATA;
    const char *why = status == EAI_SYSTEM ? strerror(number) : gai_strerror(status);
    (void)error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, missing ? EX_NOHOST : EX_TEMPFAIL,
                    "host %s not found: %s", host, why);
    error_show(err, "host %s not found: %s", host,
               status == EAI_SYSTEM ? translation_of_errno(number)
                                    : translation_by(gai_strerror, status));
    return false;
}

static struct question *question_new(const char *name, const char *port)
{
    struct question *q = memory_new(sizeof *q);
    q->name = memory_copy(name);
    (void)snprintf(q->port, sizeof q->port, "%s", port);
    return q;
}

/* Asks Q, which it takes, for HOST's addresses. */
static bool ask_in_thread(struct question *q, const char *host, int64_t deadline,
                          struct resolve_list *list, struct error *err)
{
    const struct lookup_call call = {ask, question_free, q};
    enum lookup_end end = lookup_run(&call, deadline, err);
    if (end == LOOKUP_LATE)
        (void)error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL,
                        "looking up host %s took too long", host);
    if (end != LOOKUP_DONE)
        return false;
    bool ok = true;
    if (q->status != 0)
        ok = no_answer(host, q->status, q->number, err);
    else
        take_answer(q->answer, list);
    question_free(q);
    return ok;
}

static char *without_brackets(const char *host)
{
    size_t len = strlen(host);
    if (len > 2 && host[0] == '[' && host[len - 1] == ']')
        return memory_copy_n(host + 1, len - 2);
    return memory_copy(host);
}

bool resolve_host(const char *host, int port, int64_t deadline, struct resolve_list *list,
                  struct error *err)
{
    char service[8];
    (void)snprintf(service, sizeof service, "%d", port);
    char *name = without_brackets(host);
    struct addrinfo *literal = NULL;
    bool ok;
    if (look_up(name, service, AI_NUMERICHOST, &literal) == 0) {
        take_answer(literal, list);
        freeaddrinfo(literal);
        free(name);
        return true;
    }
    struct str ascii = {0};
    if (!idna_to_alabels(&ascii, name))
        ok = error_config(err, "host %s: not a valid internationalized name", host);
    else
        ok = ask_in_thread(question_new(str_text(&ascii), service), host, deadline, list, err);
    str_clear(&ascii);
    free(name);
    return ok;
}
