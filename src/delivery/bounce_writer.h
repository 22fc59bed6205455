/* Reports to the sender, or to the person responsible here, that mail could not be delivered. */
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

#endif
