/* Delivery status notifications (RFC 3461): the words of NOTIFY and RET. Options, settings and SMTP
 * parameters are all read and written here. */
#ifndef DSN_H
#define DSN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum { /* NOTIFY (RFC 3461, 4.1); 0 means that nothing was asked for */
       DSN_NEVER = 1,
       DSN_SUCCESS = 2,
       DSN_FAILURE = 4,
       DSN_DELAY = 8,
       DSN_ALL = 15,
};

enum dsn_return { DSN_RETURN_UNSET, DSN_RETURN_FULL, DSN_RETURN_HEADERS }; /* RET (4.3) */

/* The DSN_* of the LEN octets at WORD, in any case; 0 if there is none. */
unsigned dsn_notify_word(const char *word, size_t len);

/* Reads "success,failure". False, with NOTIFY untouched: another word is in it, or never is not
 * alone. */
bool dsn_read_notify(const char *text, unsigned *notify);

/* Appends the value of NOTIFY: "NEVER", or "SUCCESS,FAILURE,DELAY" and parts of it. */
void dsn_add_notify(struct str *out, unsigned notify);

#endif
