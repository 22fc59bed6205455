/* From what a caller hands over to what leaves: envelope made, account chosen, aliases expanded,
 * header completed and rewritten. The functions are called in this order, by the command line and
 * by the service. */
#ifndef SUBMISSION_H
#define SUBMISSION_H

#include <stdbool.h>
#include <time.h>

#include "base/error.h"
#include "base/output.h"
#include "base/strlist.h"
#include "message/envelope.h"
#include "message/header.h"
#include "config/route.h"
#include "config/site.h"

struct submission_wishes {
    const char *account;           /* -a, "" if not given */
    const char *from;              /* -f, NULL if not given, "" for <> */
    const char *full_name;         /* -F, or "" */
    bool read_recipients;          /* -t */
    bool read_envelope_from;       /* --read-envelope-from */
    const struct strlist *senders; /* what the caller may send as, as in `domains`; NULL or empty:
                                      whatever the account allows */
    struct strlist recipients;     /* arguments, each an address list */
};

struct submission {
    const struct submission_wishes *wishes;
    const struct site *site;
    struct source *source;
    struct header header;
    struct envelope envelope;      /* recipients as the caller gave them until finish */
    const struct account *account; /* borrowed: that of the call's identity, once it is made */
    struct route route;
    struct strlist warnings; /* about aliases: to be shown and logged */
    char *first_line;        /* of the text */
    char *original_from;     /* mailbox of From as the caller wrote it; NULL until finished */
};

/* Reads the header from SOURCE and collects the recipients: arguments first, then, with -t, the
 * header's, each once. None: EX_USAGE, with the cause. */
bool submission_read(struct submission *s, struct error *err);

/* Chooses the account, by -f, else the header's From or Resent-From, else the caller. */
bool submission_route(struct submission *s, struct error *err);

/* The mailbox of Resent-From, or From, as the header has it; "" if there is none. To be freed. */
char *submission_header_from(const struct submission *s);

/* Settles the sender, expands aliases, sends the rest of local recipients to admin, completes
 * the header. To be called when the account is final (command line options applied). */
bool submission_finish(struct submission *s, time_t now, struct error *err);

/* Writes header and body in the form they leave. The flags say whether octets above 127 occurred.
 */
bool submission_write(struct submission *s, struct output *out, bool *has_8bit,
                      bool *has_8bit_header, struct error *err);

/* Frees what it owns; not the source. */
void submission_clear(struct submission *s);

#endif
