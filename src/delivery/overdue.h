/* A user's spool has no daemon: every submission takes along mail that is overdue. */
#ifndef OVERDUE_H
#define OVERDUE_H

#include "delivery/delivery.h"

enum { OVERDUE_LOOK = 64 }; /* due entries whose heads are read to find one of the account */

/* Delivers the oldest due entry of ACCOUNT over a connection that is open anyway. */
void overdue_try_one(const struct delivery_context *delivery, const struct account *account,
                     struct connection *connection);

#endif
