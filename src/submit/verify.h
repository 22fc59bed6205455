/* Where mail would go, without sending any. */
#ifndef VERIFY_H
#define VERIFY_H

#include "config/site.h"
#include "cli/invocation.h"

/* Prints for each recipient, aliases expanded, the account that would carry the mail, its server
 * and the envelope sender. Reads no message. Returns 0, or the status that sending would begin
 * with: EX_USAGE without recipients, EX_CONFIG where no account serves the sender. */
int verify_run(const struct invocation *call, struct site *site);

#endif
