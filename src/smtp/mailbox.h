/* An address of the envelope as it goes onto the wire. */
#ifndef MAILBOX_H
#define MAILBOX_H

#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"

/* SMTPUTF8 in one transaction (RFC 6531). */
struct smtputf8 {
    bool offered; /* by the server */
    bool needed;  /* by some address */
};

/* Appends ADDRESS. One with other than ASCII characters gets its domain as A-labels, which is
 * enough if the local part is ASCII; else it stays as it is and UTF8 is needed: where that is not
 * offered it fails, permanently, with EX_UNAVAILABLE, or temporarily if the module that makes
 * A-labels is missing. Blanks and angle brackets outside quotes would be read as parameters:
 * permanent, EX_DATAERR. The scope of the error is SCOPE. */
bool mailbox_add(struct str *out, const char *address, struct smtputf8 *utf8,
                 enum error_scope scope, struct error *err);

#endif
