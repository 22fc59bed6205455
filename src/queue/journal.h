/* The results for an entry so far: a file to which lines are only added, one for each fact,
 * each with a checksum of its own that the entry's id is part of:
 *
 *     0123456789abcdef attempt 3 1763884800 1763885700     number, when, when next (UTC seconds)
 *     0123456789abcdef sent 0-41                           recipients, by their place in the entry
 *     0123456789abcdef failed 42 2 1 67 550 5.1.1 TEXT REPLY
 *     0123456789abcdef waiting 43-99 0 0 75 0 - TEXT -     scope, class, code, reply, status
 *     0123456789abcdef undecided                           an attempt ended when the server may
 *                                                          have had the content
 *     0123456789abcdef declined TEXT                       its account's fallback refused it, why
 *     0123456789abcdef bounced 1                           all failed so far are in bounce 1
 *     0123456789abcdef warned                              its delay was reported to the sender
 *     0123456789abcdef note TEXT                           why it is in failed/
 *     0123456789abcdef again                               released from there: recipients that
 *                                                          failed and are in no bounce wait again
 *
 * Empty lines behind the last one keep room on the disk (journal_file.h).
 *
 * A line that is torn, or has a wrong checksum, is passed over wherever it is: each line is true
 * alone, and a line that is lost can repeat a transaction but never lose mail. So a power cut at
 * any moment leaves a journal that works.
 *
 * The journal in memory takes facts and collects the lines that are not in the file yet;
 * journal_file.h writes them. Everything here is pure. */
#ifndef JOURNAL_H
#define JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "queue/entryid.h"

enum {
    JOURNAL_REPLY_MAX = 512, /* octets of a reply that are kept for waiting recipients */
    JOURNAL_SENT_MAX = 64,   /* octets of a line that names recipients it was sent to */
};

enum journal_status {
    JOURNAL_WAITING, /* still to be sent */
    JOURNAL_SENT,
    JOURNAL_FAILED, /* permanently: belongs into a bounce */
};

struct progress {
    enum journal_status status;
    unsigned bounce;   /* the number of the bounce that reports it, 0 if none yet */
    struct error *why; /* the last refusal, or NULL if there was none */
};

struct journal {
    char id[ENTRYID_SIZE]; /* of the entry */
    struct progress *rcpt; /* one for each recipient of the entry */
    size_t n;
    unsigned attempts;
    int64_t last, next; /* seconds since 1970 of the last attempt and the planned one, 0 if none */
    unsigned bounces;   /* bounces made so far */
    bool warned;        /* of the delay */
    bool undecided;     /* the provider may have taken it */
    char *declined; /* how the provider of its account's fallback refused it; NULL: it did not */
    char *note;     /* "" or NULL if none */
    size_t damaged; /* lines that were passed over */

    struct str pending; /* lines that are not in the file yet */
    bool must_sync;     /* one of them must be on disk before the entry is released */
    /* Adjacent recipients with the same status share a line: the run that is not in `pending` yet.
     */
    size_t run_first, run_n;
};

/* Makes JOURNAL, which must be zeroed, the empty journal of an entry of N recipients. */
void journal_begin(struct journal *journal, const char *id, size_t n);

/* Reads what a file holds. JOURNAL was begun. What makes no sense is passed over and counted. */
void journal_decode(struct journal *journal, const char *data, size_t len);

/* Each of these notes a fact, in memory and as a pending line.
 *
 * settle: what the last attempt meant for recipient I. WHY (copied) is the refusal; only for
 * JOURNAL_FAILED it must be there: NULL leaves the reason as it was. A status that
 * is sent or failed stays. Nothing is written where nothing changed. */
void journal_settle(struct journal *journal, size_t i, enum journal_status status,
                    const struct error *why);
void journal_attempt(struct journal *journal, int64_t now, int64_t next);
void journal_undecided(struct journal *journal);
void journal_declined(struct journal *journal, const char *text); /* the first is kept */
void journal_bounced(struct journal *journal, unsigned number);
void journal_warned(struct journal *journal);
void journal_note(struct journal *journal, const char *text);
void journal_again(struct journal *journal);

/* The lines to be appended to the file now: borrowed, until journal_written(). */
const struct str *journal_pending(struct journal *journal);

/* The pending lines are in the file. */
void journal_written(struct journal *journal);

/* Appends the shortest file that says the same: for one that grew too long. */
void journal_encode(const struct journal *journal, struct str *out);

/* Appends the lines that say to whom it was sent, and nothing else. Each recipient needs at most
 * JOURNAL_SENT_MAX octets of them. */
void journal_encode_sent(const struct journal *journal, struct str *out);

/* True if it is sent through its own account only: it is undecided or declined. */
bool journal_is_tied(const struct journal *journal);

/* How many recipients have this status; how many failed and are in no bounce yet. */
size_t journal_count(const struct journal *journal, enum journal_status status);
size_t journal_unbounced(const struct journal *journal);

void journal_clear(struct journal *journal);

#endif
