/* Which account serves a sender (DESIGN: "Which account"). Pure: values in, an answer out. */
#ifndef ROUTE_H
#define ROUTE_H

#include <stdbool.h>

#include "base/error.h"
#include "base/strlist.h"
#include "config/configuration.h"

struct route_query {
    const char *account;               /* -a, or "" */
    const char *envelope_from;         /* -f, or NULL if not given; "" is <> */
    const char *header_from;           /* first address of From or Resent-From, or "" */
    const char *caller;                /* user@host of the caller */
    const struct strlist *local_names; /* localhost, this host's names, the mailname */
    bool as_sendmail;                  /* see struct caller */
};

enum route_reason {
    ROUTE_NAMED,      /* -a */
    ROUTE_FROM,       /* the account's `from` */
    ROUTE_DOMAINS,    /* a `domains` entry */
    ROUTE_OWN_DOMAIN, /* the domain of its from or user */
    ROUTE_DEFAULT,    /* the account called default */
    ROUTE_SOLE,       /* the only account there is */
};

struct route {
    const struct account *account;
    enum route_reason reason;
    const char *sender; /* the address that decided; borrowed from the query */
};

/* Chooses: by the first of -f and From that some account serves; if neither is served and both are
 * local or missing, by the caller's address. An account that names the caller's address in
 * `domains`, and whose sender -f does not override, also gets what the caller sends as somebody
 * foreign that nothing serves: ssmtp's revaliases. What nothing else serves gets the account
 * `default` of the user's scope, else that scope's only account unless a foreign address was given,
 * else the system's `default`, else the system's only account. Accounts of an msmtprc are
 * chosen as msmtp does it, by -f where it fits their `from`; the only one serves others for callers
 * as_sendmail alone. Nothing serves the sender: EX_CONFIG, "no account serves senders at qq.com
 * (served: 163.com, 126.com)", and what to add; no account at all: where a file was looked for and
 * what its smallest content is; two exact-sender accounts of one domain: an error that names both.
 */
bool route_choose(const struct configuration *config, const struct route_query *query,
                  struct route *route, struct error *err);

/* True if the account replaces the sender MAILBOX by its own address, as `rewrite_from` says. Not
 * foreign are its own address, an address among its `domains`, and, unless its provider takes exact
 * senders only, whatever else it serves; but a local sender without a dot in the domain always is:
 * nobody outside could answer it. */
bool route_replaces(const struct account *account, const char *mailbox,
                    const struct strlist *local_names);

/* True if MAILBOX is one of ITEMS, which are written as those of `domains`. */
bool route_has(const struct strlist *items, const char *mailbox);

/* True for a bare name, or a domain among the local names. */
bool route_is_local(const char *mailbox, const struct strlist *local_names);

#endif
