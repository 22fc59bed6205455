/* Recipients that are users of this machine, where nobody has a mailbox: expanded through
 * /etc/aliases, and the rest is sent to the account's admin. */
#ifndef LOCALMAIL_H
#define LOCALMAIL_H

#include "delivery/submission.h"

/* Replaces the recipients of S. With the settings of the command line alone (--host) bare names
 * stay as they are, as msmtp leaves them. A local recipient for whom there is neither alias nor
 * admin: message, permanent, EX_CONFIG. */
bool localmail_expand(struct submission *s, struct error *err);

#endif
