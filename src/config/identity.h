/* The sender of one call: what its options, the patterns of `from` and `domain`, and auto_from make
 * of an account. The account of the configuration stays as it was read. */
#ifndef IDENTITY_H
#define IDENTITY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "config/site.h"

struct override { /* an option that sets a key of the account */
    const struct key *key;
    const char *value;
};

struct identity_facts {
    const struct site *site;
    const struct caller *caller;     /* whose mail it is: the site's, or an entry's submitter */
    const char *header_from;         /* %F; "" leaves it as it is */
    const struct override *override; /* in the order of the command line */
    size_t overrides;
};

struct identity {
    const struct account *configured; /* as the configuration has it */
    const struct account *account;    /* as this call uses it */
    struct account *own;              /* private */
};

/* Makes IDENTITY of the account CHOSEN, and checks it as provider_check() does. An option with a
 * bad value is EX_USAGE. On failure IDENTITY names the account that was chosen. Free with
 * identity_clear(); the site must live as long. */
bool identity_make(struct identity *identity, const struct account *chosen,
                   const struct identity_facts *facts, struct error *err);

/* True if both send as the same and greet as the same: one connection may serve both. */
bool identity_equal(const struct identity *a, const struct identity *b);

/* Checks the value of an option before any file is read: EX_USAGE. */
bool identity_check_override(const struct override *override, struct error *err);

void identity_clear(struct identity *identity);

#endif
