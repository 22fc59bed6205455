#include "config.h"
#include "delivery/sender.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/str.h"
#include "message/address.h"
#include "config/route.h"

static char *qualified(const char *mailbox, const char *domain)
{
    struct str out = {0};
    str_add(&out, mailbox);
    if (*mailbox && !*address_domain(mailbox))
        str_addf(&out, "@%s", domain);
    return str_take(&out);
}

static bool caller_chooses(const struct sender_facts *facts)
{
    const struct account *a = facts->account;
    return facts->envelope_from && a->allow_from_override == OVERRIDE_ON && !a->auto_from;
}

/* What the caller or the account asks for, before anything is forbidden. */
static const char *wanted_sender(const struct sender_facts *facts)
{
    const struct account *a = facts->account;
    if (caller_chooses(facts))
        return facts->envelope_from;
    if (a->allow_from_override == OVERRIDE_HEADER && *facts->header_from)
        return facts->header_from;
    if (*a->from && !strpbrk(a->from, "*?["))
        return a->from;
    if (*facts->header_from)
        return facts->header_from;
    return account_address(a);
}

bool sender_is_allowed(const struct account *account, const struct strlist *senders,
                       const char *mailbox)
{
    return !senders || senders->n == 0 || route_has(senders, mailbox) ||
           address_equal(account_address(account), mailbox, true);
}

bool sender_is_replaced(const struct account *account, const struct strlist *senders,
                        const char *mailbox, const struct strlist *local_names)
{
    bool foreign =
        account->rewrite_from == REWRITE_FOREIGN || account->rewrite_from == REWRITE_ALWAYS;
    return route_replaces(account, mailbox, local_names) ||
           (foreign && !sender_is_allowed(account, senders, mailbox));
}

static char *envelope_sender(const struct sender_facts *facts)
{
    const struct account *a = facts->account;
    const char *own = account_address(a);
    const char *wanted = wanted_sender(facts);
    bool null_sender = caller_chooses(facts) && !*facts->envelope_from;
    if (null_sender)
        return memory_copy("");
    if (*own && sender_is_replaced(a, facts->senders, wanted, &facts->site->host.sender_names))
        return memory_copy(own);
    if (a->as_msmtp && *wanted)
        return memory_copy(wanted); /* bare or not, as msmtp sends it */
    const char *domain = *a->maildomain ? a->maildomain : facts->site->host.mail_name;
    return qualified(*wanted ? wanted : facts->site->caller.name, domain);
}

/* A report of the system is from "root on web1"; a person's mail is from the person. */
static char *name_for_from(const struct sender_facts *facts)
{
    const struct account *a = facts->account;
    if (*facts->full_name)
        return memory_copy(facts->full_name);
    if (*a->from_full_name)
        return memory_copy(a->from_full_name);
    if (a->as_msmtp)
        return memory_copy("");
    if (a->scope == SCOPE_USER && facts->site->caller.uid != 0)
        return memory_copy(facts->site->caller.full_name);
    struct str name = {0};
    str_addf(&name, "%s on %s", facts->site->caller.name, facts->site->host.name);
    return str_take(&name);
}

void sender_choose(const struct sender_facts *facts, struct sender_choice *choice)
{
    choice->envelope = envelope_sender(facts);
    if (*choice->envelope)
        choice->from_address = memory_copy(choice->envelope);
    else if (*account_address(facts->account))
        choice->from_address = memory_copy(account_address(facts->account));
    else
        choice->from_address = qualified(facts->site->caller.name, facts->site->host.mail_name);
    choice->full_name = name_for_from(facts);
    const char *domain = address_domain(choice->from_address);
    choice->message_id_domain = memory_copy(*domain ? domain : facts->site->host.mail_name);
}

void sender_choice_clear(struct sender_choice *choice)
{
    free(choice->envelope);
    free(choice->from_address);
    free(choice->full_name);
    free(choice->message_id_domain);
    *choice = (struct sender_choice){0};
}
