/* Mail to admin about an account. It is sent through the account itself or, while that fails,
 * through another one of the same scope that works. It is written once, and a failure in writing it
 * is ignored: what it is about is kept and shown. */
#ifndef NOTICE_H
#define NOTICE_H

#include "delivery/settle.h"

enum { NOTICE_LOGIN_AFTER = 3600 }; /* seconds that a login fails before that is reported */

/* The locked entry has expired for REASON and is kept in failed/; at most once an hour for each
 * account. */
void notice_expired(const struct settlement *settlement, const struct entry_lock *lock,
                    const char *reason);

/* The login of ACCOUNT, which the system's users share, has failed for NOTICE_LOGIN_AFTER: said
 * once, and only where another account can carry it. The locked entry is the one that met it. */
void notice_login_fails(const struct delivery_context *delivery, const struct account *account,
                        const struct entry_lock *lock);

#endif
