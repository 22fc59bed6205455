/* Reports on another channel than mail that mail does not leave: the command of [queue]
 * alert_command, which an administrator chose.
 *
 * Its environment says why: ONEHOP_ALERT (account, failed, recovered), ONEHOP_ACCOUNT,
 * ONEHOP_REASON, ONEHOP_SINCE, ONEHOP_QUEUED, ONEHOP_FAILED, and ONEHOP_TEXT, which is all of that
 * in one sentence; onehop.ini(5) has the details. Its standard input is /dev/null, what it prints
 * is dropped, and it is ended after ALERT_TIME. */
#ifndef ALERT_H
#define ALERT_H

#include "delivery/delivery.h"

enum {
    ALERT_AFTER = 3600,     /* seconds that an account fails before that is reported */
    ALERT_INTERVAL = 3600,  /* seconds between two alerts of one spool */
    ALERT_TIME = 60 * 1000, /* milliseconds that the command may take */
};

/* Runs COMMAND ("" for none) if there is something to report, and waits for it: an account has
 * failed for ALERT_AFTER and mail waits, or there is more in failed/ than was reported. That is
 * reported once, and again after ALERT_INTERVAL as long as the command fails. The recovery of an
 * account that was reported is reported as well, at once and only once. Processes that share the
 * spool share the interval and what was reported; where that cannot be noted nothing is run. A
 * command that fails is reported to DELIVERY and has no other effect. */
void alert_check(const struct delivery_context *delivery, const char *command);

#endif
