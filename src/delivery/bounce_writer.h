/* Telling the sender, or whoever is responsible here, that mail could not be delivered. */
#ifndef BOUNCE_WRITER_H
#define BOUNCE_WRITER_H

#include "delivery/settle.h"

enum bouncing_result {
    BOUNCING_TOLD,       /* the bounce is durable, and the journal says so */
    BOUNCING_NOT_WANTED, /* RFC 3461: NOTIFY without FAILURE */
    BOUNCING_NOT_NOW,    /* the account has made its share of bounces this hour */
    BOUNCING_IMPOSSIBLE, /* it is a bounce itself, or has no sender */
    BOUNCING_TROUBLE,    /* the spool: ERR says */
};

/* Makes the bounce for the recipients of CLAIM that failed and are in none yet, addressed to the
 * envelope sender or, if that is somebody on this machine, to bounce_to or admin. */
enum bouncing_result bouncing_tell(const struct settlement *settlement, struct claim *claim,
                                   struct error *err);

/* Tells admin, at most once an hour for each account, that mail was given up for REASON and is kept
 * in failed/. Trouble in telling it is ignored: the entry itself is what is kept. */
void bouncing_notify_admin(const struct settlement *settlement, const struct claim *claim,
                           const char *reason);

#endif
