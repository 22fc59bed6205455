/* The envelope: who sends, who receives, and which delivery status notifications each recipient's
 * sender asks for (RFC 5321 2.3.1, RFC 3461). Made once from arguments and headers; never read back
 * from headers. */
#ifndef ENVELOPE_H
#define ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "message/dsn.h"

enum {
    ENVELOPE_ADDRESS_MAX = 1024
}; /* octets of one address; SMTP asks for 256 (RFC 5321, 4.5.3.1.3) */

struct recipient {
    char *address;   /* local@domain, without angle brackets, no control characters */
    char *orcpt;     /* ORCPT as it was given, "TYPE;" and xtext (RFC 3461, 4.2); NULL for none */
    unsigned notify; /* DSN_*; 0: not given */
    uint32_t hash;   /* of the address, for the index of an envelope; 0: not known */
};

struct envelope {
    char *sender; /* "" (or NULL, before it is known) is the null reverse-path <> */
    struct recipient *rcpt;
    size_t n;
    size_t size;
    size_t *index;     /* a hash table over rcpt, place + 1, 0 for free: see envelope_add() */
    size_t index_size; /* a power of two */
    enum dsn_return dsn_return; /* RFC 3461, 4.3 */
    char *envid;                /* not yet xtext-encoded; "" or NULL: none */
    bool body_8bit_wish;        /* -B8BITMIME: a hint, the content decides */
};

/* Adds a recipient unless it is there: the domain is compared without case, the local part with.
 * The address is copied. Returns the recipient for its DSN parameters to be set, valid until the
 * next one is added; NULL if it was there, which then keeps those it has. Amortised O(1), for
 * callers with 10,000 recipients; a caller that takes recipients out of `rcpt` by hand must free
 * `index` and set it to NULL. */
struct recipient *envelope_add(struct envelope *env, const char *address);

/* The same without a copy: ADDRESS, from malloc(), is the envelope's from now on, or freed. */
struct recipient *envelope_take(struct envelope *env, char *address);

/* Gives RECIPIENT, which may be NULL, a copy of FROM's DSN parameters. */
void envelope_ask(struct recipient *recipient, const struct recipient *from);

/* Sets NOTIFY of each recipient that has none. */
void envelope_default_notify(struct envelope *env, unsigned notify);

/* True unless the sender asked not to be notified when this recipient fails (RFC 3461, 4.1). */
bool envelope_reports_failure(const struct recipient *recipient);

/* The same for the delay of this recipient. */
bool envelope_reports_delay(const struct recipient *recipient);

/* Makes TO, which is cleared first, a copy of FROM that owns all it has. */
void envelope_copy(struct envelope *to, const struct envelope *from);

void envelope_set_sender(struct envelope *env, const char *address);
void envelope_clear(struct envelope *env);

#endif
