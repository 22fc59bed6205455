#include "config.h"
#include "delivery/verdict.h"

#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "message/address.h"

#define TO(command) (1u << COMMAND_##command)

enum {
    ANY = 0,
    MAIL_ITSELF = TO(MAIL) | TO(DATA) | TO(CONTENT), /* not one of its recipients */
};

enum condition {
    ALWAYS,
    OWN_SENDER, /* the envelope's sender is the account's own address */
    REQUIRETLS, /* the mail was sent with it */
    PATTERN,    /* a part of the reply is in the provider's list (providers.ini, `trouble`) */
};

/* The first row that fits decides. */
static const struct rule {
    unsigned commands;  /* a set of them, or ANY */
    int first, last;    /* reply codes; 0: there is no reply */
    const char *status; /* enhanced status code, its last part may be missing; "" for any */
    enum condition condition;
    enum error_scope scope;
    enum error_class class;
    int code; /* 0: scope, class and code stay as they were noted */
    enum error_cause cause;
} rules[] = {
    /* no reply */
    /* a password command that fails again and again may lock what it asks */
    {TO(PASSWORD), 0, 0, "", ALWAYS, 0, 0, 0, CAUSE_LOGIN},
    /* no server has spoken of the mail */
    {ANY, 0, 0, "", ALWAYS, 0, 0, 0, CAUSE_NETWORK},

    /* about the account, whatever command it answers */
    /* RFC 5321, 3.8: the service closes its channel */
    {ANY, 421, 421, "", ALWAYS, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL, CAUSE_THROTTLE},
    /* RFC 4954, 6: a login is required */
    {ANY, 530, 530, "", ALWAYS, ERROR_ACCOUNT, ERROR_PERMANENT, EX_NOPERM, CAUSE_LOGIN},
    /* RFC 4954, 6: the login is too weak, or wrong */
    {ANY, 534, 535, "", ALWAYS, ERROR_ACCOUNT, ERROR_PERMANENT, EX_NOPERM, CAUSE_LOGIN},
    /* RFC 2554, 6: the login wants encryption */
    {ANY, 538, 538, "", ALWAYS, ERROR_ACCOUNT, ERROR_PERMANENT, EX_NOPERM, CAUSE_LOGIN},
    /* the login is refused */
    {TO(AUTH), 500, 599, "", ALWAYS, ERROR_ACCOUNT, ERROR_PERMANENT, EX_NOPERM, CAUSE_LOGIN},
    /* RFC 4954, 6: no login for now, Gmail: too many of them */
    {ANY, 454, 454, "4.7.0", ALWAYS, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL, CAUSE_THROTTLE},
    /* RFC 3463, X.3.2: the system takes nothing now, Microsoft: too many connections or messages */
    {ANY, 400, 499, "4.3.2", ALWAYS, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL, CAUSE_THROTTLE},
    /* Gmail: mail comes faster than it is taken */
    {ANY, 450, 450, "4.2.1", ALWAYS, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL, CAUSE_THROTTLE},
    /* no login for now; to ask again at once may lock the account */
    {TO(AUTH), 400, 499, "", ALWAYS, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL, CAUSE_THROTTLE},
    /* the provider says this of the account: quota, lock, sender not verified */
    {ANY, 500, 599, "", PATTERN, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL, CAUSE_THROTTLE},
    /* Gmail: the account's quota of a day is used up */
    {ANY, 500, 599, "5.4.5", ALWAYS, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL, CAUSE_THROTTLE},
    /* RFC 8689, 7: the next server does not offer REQUIRETLS, which this message was sent with */
    {ANY, 500, 599, "5.7.30", REQUIRETLS, ERROR_MESSAGE, ERROR_PERMANENT, EX_UNAVAILABLE, 0},
    /* Microsoft: logins with a password are switched off */
    {ANY, 500, 599, "5.7.30", ALWAYS, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL, CAUSE_LOGIN},
    /* Microsoft: not logged in */
    {ANY, 500, 599, "5.7.57", ALWAYS, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL, CAUSE_LOGIN},
    /* Microsoft: the account may not send as this sender */
    {ANY, 500, 599, "5.7.60", ALWAYS, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL, CAUSE_THROTTLE},

    /* about this message, also where the sender alone was named: SIZE and BODY are said with it */
    /* RFC 1870, 6.1: the message is too big */
    {MAIL_ITSELF, 552, 552, "", ALWAYS, ERROR_MESSAGE, ERROR_PERMANENT, EX_UNAVAILABLE, 0},
    /* RFC 3463, X.3.4: the message is too big for the system */
    {MAIL_ITSELF, 500, 599, "5.3.4", ALWAYS, ERROR_MESSAGE, ERROR_PERMANENT, EX_UNAVAILABLE, 0},
    /* RFC 3463, X.2.3: the message is longer than an administrator allows */
    {MAIL_ITSELF, 500, 599, "5.2.3", ALWAYS, ERROR_MESSAGE, ERROR_PERMANENT, EX_UNAVAILABLE, 0},
    /* RFC 3463, 3.7: the content or its conversion is refused */
    {MAIL_ITSELF, 500, 599, "5.6", ALWAYS, ERROR_MESSAGE, ERROR_PERMANENT, EX_UNAVAILABLE, 0},
    /* an account whose own address is refused can send nothing */
    {TO(MAIL), 500, 599, "", OWN_SENDER, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL,
     CAUSE_THROTTLE},

    /* what a command's refusal means alone */
    /* the server does not serve this client, perhaps tomorrow */
    {TO(GREETING) | TO(EHLO), 400, 599, "", ALWAYS, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL,
     CAUSE_NETWORK},
    /* no TLS: mended by an administrator */
    {TO(STARTTLS), 500, 599, "", ALWAYS, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_UNAVAILABLE,
     CAUSE_NETWORK},
    /* RFC 3207, 4: TLS is not available for now */
    {TO(STARTTLS), 400, 499, "", ALWAYS, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL,
     CAUSE_NETWORK},
    /* this sender is refused */
    {TO(MAIL) | TO(ETRN), 500, 599, "", ALWAYS, ERROR_MESSAGE, ERROR_PERMANENT, EX_DATAERR, 0},
    /* this recipient is refused */
    {TO(RCPT), 500, 599, "", ALWAYS, ERROR_RECIPIENT, ERROR_PERMANENT, EX_NOUSER, 0},
    /* this recipient is refused for now */
    {TO(RCPT), 400, 499, "", ALWAYS, ERROR_RECIPIENT, ERROR_TEMPORARY, EX_TEMPFAIL, 0},
    /* this message is refused */
    {ANY, 500, 599, "", ALWAYS, ERROR_MESSAGE, ERROR_PERMANENT, EX_UNAVAILABLE, 0},
    /* this message is refused for now */
    {ANY, 400, 499, "", ALWAYS, ERROR_MESSAGE, ERROR_TEMPORARY, EX_TEMPFAIL, 0},
    /* no reply that this command can have */
    {ANY, 1, 999, "", ALWAYS, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_PROTOCOL, CAUSE_NETWORK},
};

static bool status_fits(const char *rule, const char *status)
{
    size_t len = strlen(rule);
    return len == 0 || (strncmp(status, rule, len) == 0 && (!status[len] || status[len] == '.'));
}

static bool has_pattern(const struct error *err, const struct verdict_facts *facts)
{
    for (size_t i = 0; facts && facts->account_patterns && i < facts->account_patterns->n; i++)
        if (strcasestr(err->reply, facts->account_patterns->item[i]))
            return true;
    return false;
}

static bool is_own_sender(const struct verdict_facts *facts)
{
    return facts && *facts->own_address && address_equal(facts->sender, facts->own_address, true);
}

static bool fits(const struct rule *rule, const struct error *err,
                 const struct verdict_facts *facts)
{
    if (rule->commands && !(rule->commands & 1u << err->command))
        return false;
    if (err->reply_code < rule->first || err->reply_code > rule->last ||
        !status_fits(rule->status, err->status))
        return false;
    switch (rule->condition) {
    case OWN_SENDER:
        return is_own_sender(facts);
    case REQUIRETLS:
        return facts && facts->requires_tls;
    case PATTERN:
        return has_pattern(err, facts);
    default:
        return true;
    }
}

static const struct rule *rule_for(const struct error *err, const struct verdict_facts *facts)
{
    struct error unanswered = {.command = err->command};
    if (err->code == EX_PROTOCOL)
        err = &unanswered; /* its reply, if there is one, is not an answer */
    const struct rule *rule = rules;
    while (!fits(rule, err, facts))
        rule++; /* a row for no reply and one for every reply end it */
    return rule;
}

void verdict_judge(struct error *err, const struct verdict_facts *facts)
{
    const struct rule *rule = rule_for(err, facts);
    err->cause = rule->cause;
    if (rule->code == 0)
        return;
    err->scope = rule->scope;
    err->class = rule->class;
    err->code = rule->code;
}

void verdict_judge_all(struct outcome *outcomes, size_t n, const struct verdict_facts *facts)
{
    for (size_t i = 0; i < n; i++)
        if (outcomes[i].result == OUTCOME_REFUSED)
            verdict_judge(outcomes[i].error, facts);
}

void verdict_blame_message(struct error *err, const struct strlist *patterns)
{
    const struct verdict_facts any_sender = {
        .sender = "", .own_address = "", .account_patterns = patterns};
    verdict_judge(err, &any_sender);
    if (verdict_is_final(err))
        return;
    err->scope = ERROR_MESSAGE;
    err->class = ERROR_TEMPORARY;
    err->code = EX_TEMPFAIL;
}

bool verdict_needs_person(const struct error *err)
{
    if (err->scope != ERROR_ACCOUNT || err->command == COMMAND_CONNECT)
        return false;
    return err->class == ERROR_PERMANENT || err->cause == CAUSE_LOGIN ||
           (err->command == COMMAND_MAIL && err->reply_code >= 500) ||
           err->code == EX_UNAVAILABLE; /* no STARTTLS, a certificate that does not hold */
}

int verdict_code(const struct error *err)
{
    switch (err->code) {
    case EX_NOPERM:
    case EX_PROTOCOL:
    case EX_NOHOST:
    case EX_IOERR:
    case EX_CONFIG:
        return err->code;
    default:
        break;
    }
    if (err->scope == ERROR_ACCOUNT || err->class == ERROR_TEMPORARY)
        return EX_TEMPFAIL;
    return err->code;
}

bool verdict_is_final(const struct error *err)
{
    return err->class == ERROR_PERMANENT && err->scope != ERROR_ACCOUNT;
}

/* RFC 3463, 3.2 and 3.3, without what they say of the sender (X.1.7, X.1.8) and of the message
 * (X.2.3). A reply without a status may mean anything: 550 is for relaying denied, too. */
bool verdict_is_about_mailbox(const struct error *err)
{
    static const char *const statuses[] = {"5.1.1", "5.1.2",  "5.1.3", "5.1.4", "5.1.6",
                                           "5.1.9", "5.1.10", "5.2.0", "5.2.1", "5.2.2"};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (err->scope == ERROR_RECIPIENT && strcmp(err->status, statuses[i]) == 0)
            return verdict_is_final(err);
    return false;
}

struct verdict verdict_of(const struct outcome *outcomes, size_t n, const struct error *failure)
{
    struct verdict v = {0};
    for (size_t i = 0; i < n; i++) {
        const struct error *why = outcomes[i].result == OUTCOME_REFUSED ? outcomes[i].error : NULL;
        bool final = why && verdict_is_final(why);
        if (outcomes[i].result == OUTCOME_SENT)
            v.sent++;
        else if (final)
            v.failed++;
        else
            v.deferred++;
        if (why && (!v.why || (final && v.failed == 1)))
            v.why = why;
    }
    v.why = v.why ? v.why : failure;
    const struct error *decides = failure && v.failed == 0 ? failure : v.why;
    v.code = decides ? verdict_code(decides) : v.deferred ? EX_TEMPFAIL : EX_OK;
    v.refusal = v.why && v.sent == 0 && (v.deferred == 0 || (failure && verdict_is_final(failure)));
    return v;
}
