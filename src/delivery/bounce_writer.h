/* Reports to the sender, or to the person responsible here, that mail could not be delivered, or
 * that it is delayed. */
#ifndef BOUNCE_WRITER_H
#define BOUNCE_WRITER_H

#include "delivery/settle.h"

enum bounce_writer_result {
    BOUNCE_WRITER_REPORTED,   /* the bounce is durable, and the journal says so */
    BOUNCE_WRITER_NOT_WANTED, /* RFC 3461: NOTIFY without FAILURE */
    BOUNCE_WRITER_NOT_NOW,    /* the account has made its share of bounces this hour */
    BOUNCE_WRITER_IMPOSSIBLE, /* it is a bounce itself, or has no sender */
    BOUNCE_WRITER_FAILED,     /* the spool: ERR says */
};

/* Makes the bounce for the recipients of LOCK that failed and are in none yet, addressed to the
 * envelope sender or, if that is a user of this machine, to bounce_to or admin. */
enum bounce_writer_result bounce_writer_report(const struct settlement *settlement,
                                               struct entry_lock *lock, struct error *err);

enum { BOUNCE_WRITER_WARNINGS_PER_HOUR = 10 }; /* so that bounces have room in theirs */

/* In how many seconds the delay of LOCK is to be reported to the sender, if it waits then; 0: now;
 * negative: never (it was reported, there is no sender, ...). */
int64_t bounce_writer_warns_in(const struct settlement *settlement, const struct entry_lock *lock);

/* Makes the report of the delay, addressed as a bounce is, if it is due: once for each entry, and
 * only while what the recipients met themselves holds it; while the account fails the report could
 * not leave either. Not about mail to many or of a program: `Precedence: bulk`, `junk` or `list`,
 * `Auto-Submitted` other than `no`. The journal has it before it is made: a crash can cost the
 * report, and never makes two. False if the journal could not be written; ERR says. */
bool bounce_writer_warn(const struct settlement *settlement, struct entry_lock *lock,
                        struct error *err);

#endif
