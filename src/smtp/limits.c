/* RFC 9422: what the server says it takes. What is no limit by its grammar (1 to 999999) is none,
 * as RFC 9422, 3 wants it of limits that are not understood. */
#include "config.h"
#include "smtp/sessionstate.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "message/address.h"

/* No session is sent more domains than this, so that what is remembered of them is bounded. */
enum { DOMAINS_MAX = 256 };

static size_t read_number(const char *text, size_t len)
{
    bool sound = len > 0 && len <= 6 && *text != '0' && strspn(text, "0123456789") >= len;
    return sound ? strtoul(text, NULL, 10) : 0;
}

void limits_read(struct session_capabilities *caps, const char *words)
{
    const struct {
        const char *name;
        size_t *limit;
    } limits[] = {{"MAILMAX=", &caps->mail_max},
                  {"RCPTMAX=", &caps->rcpt_max},
                  {"RCPTDOMAINMAX=", &caps->domain_max}};
    while (*(words += strspn(words, " \t"))) {
        size_t len = strcspn(words, " \t");
        for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
            size_t name = strlen(limits[i].name);
            if (len > name && strncasecmp(words, limits[i].name, name) == 0)
                *limits[i].limit = read_number(words + name, len - name);
        }
        words += len;
    }
}

size_t limits_recipients(const struct session *session)
{
    size_t own = session->params->max_recipients, theirs = session->capabilities.rcpt_max;
    return own == 0 || (theirs > 0 && theirs < own) ? theirs : own;
}

/* Meaningless where the server sets no such limit. */
static size_t most_domains(const struct session *session)
{
    size_t most = session->capabilities.domain_max;
    return most < DOMAINS_MAX ? most : DOMAINS_MAX;
}

bool limits_allow_domain(const struct session *session, const char *recipient)
{
    return session->capabilities.domain_max == 0 || session->domains.n < most_domains(session) ||
           strlist_has(&session->domains, address_domain(recipient));
}

bool limits_allow_all(const struct session *session, const struct envelope *env)
{
    struct strlist fresh = {0};
    if (session->capabilities.domain_max == 0)
        return true;
    for (size_t i = 0; i < env->n; i++) {
        const char *domain = address_domain(env->rcpt[i].address);
        if (!strlist_has(&session->domains, domain) && !strlist_has(&fresh, domain))
            strlist_add(&fresh, domain);
    }
    bool allowed = fresh.n == 0 || session->domains.n + fresh.n <= most_domains(session);
    strlist_clear(&fresh);
    return allowed;
}

void limits_note_domain(struct session *session, const char *recipient)
{
    if (session->capabilities.domain_max > 0 &&
        !strlist_has(&session->domains, address_domain(recipient)))
        strlist_add(&session->domains, address_domain(recipient));
}

bool session_is_spent(const struct session *session, const struct session_mail *mail)
{
    size_t most = session->capabilities.mail_max;
    bool spent = most > 0 && session->mails >= most;
    if (spent || !mail || session->capabilities.domain_max == 0)
        return spent;
    for (size_t i = 0; i < mail->env->n; i++)
        if ((!mail->outcomes || mail->outcomes[i].result == OUTCOME_UNTRIED) &&
            limits_allow_domain(session, mail->env->rcpt[i].address))
            return false;
    return true;
}
