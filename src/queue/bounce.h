/* The message that reports to a sender what could not be delivered, or is delayed (RFC 3464,
 * RFC 6522): text for people, text for programs, and the original's header, or all of it. Pure. */
#ifndef BOUNCE_H
#define BOUNCE_H

#include <stdbool.h>

#include "base/error.h"
#include "base/output.h"
#include "message/content.h"
#include "queue/entry.h"
#include "queue/journal.h"

struct bounce {
    const struct entry *original;
    /* Of its recipients those are reported that failed and are in no bounce yet, or, with `until`,
     * those for whom bounce_reports_delay() is true. */
    const struct journal *journal;
    const struct content *content; /* of the original */
    const char *id;                /* of the bounce; makes Message-ID and boundary */
    const char *from;              /* the account's address: From is Mail Delivery System <from> */
    const char *to;                /* its recipient */
    const char *host;              /* this host's name */
    const char *provider;          /* the host that refused, "" if unknown */
    const char *date;              /* "Mon, 23 Nov 2026 07:53:00 +0000" */
    const char *arrival;           /* the same for the original's arrival */
    const char *until;             /* NULL; else it is the report of a delay, and this the date
                                      until when it is tried, "" for ever */
    bool full; /* return the whole original, not only its header (RET=FULL, RFC 3461, 4.3) */
};

/* True if a bounce reports RECIPIENT: it failed, is in no bounce yet, and the sender did not ask
 * for silence (RFC 3461, 4.1). */
bool bounce_reports(const struct progress *progress, const struct recipient *recipient);

/* True if the report of a delay names RECIPIENT: it waits for what it met itself, while the account
 * works, and the sender did not ask for silence. */
bool bounce_reports_delay(const struct progress *progress, const struct recipient *recipient);

/* Writes the bounce, CRLF line ends, lines of at most 998 octets; *HAS_8BIT and *HAS_8BIT_HEADER
 * are those of struct content. Fails only if OUT or reading the content does. */
bool bounce_write(const struct bounce *bounce, struct output *out, bool *has_8bit,
                  bool *has_8bit_header, struct error *err);

/* Fills ENTRY, which must be zeroed, for entry_writer_begin(): account of the original, null
 * sender, one recipient, id derived from the original's. False if the original is itself a bounce
 * or has had ENTRYID_BOUNCES_MAX already (message, permanent, EX_SOFTWARE): it is moved to failed/.
 */
bool bounce_entry(const struct bounce *bounce, struct entry *entry, struct error *err);

#endif
