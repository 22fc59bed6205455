/* Mail kept on this machine, in a Maildir (https://cr.yp.to/proto/maildir.html): a file for each
 * message, written below tmp/, on disk before it gets its name in new/ or cur/, which takes one
 * step. Lines end in LF. The name is made of the entry's id, so that what was written is found
 * again.
 *
 * A Maildir is made on demand, mode 0700; one that is there may have another mode and a
 * set-group-ID bit: what is made in it is for the same readers. Failures have the account's scope,
 * EX_TEMPFAIL; the class is permanent where a person must mend the path. */
#ifndef MAILDIR_H
#define MAILDIR_H

#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"
#include "message/content.h"

struct maildir_mail {
    const char *id;   /* the entry's */
    const char *host; /* this machine's name */
    const char *head; /* lines that come before the content, "" for none */
    const struct content *content;
    bool seen;  /* it is not news: goes to cur/ with the flag S */
    bool again; /* an attempt before this one may have kept it: that one's file is looked for */
};

/* Makes what is missing of the Maildir at PATH. */
bool maildir_make(const char *path, struct error *err);

/* Keeps MAIL at PATH, which is made if it is missing. True: it is on disk, and FILE gets its path.
 * Memory does not grow with the message. */
bool maildir_keep(const char *path, const struct maildir_mail *mail, struct str *file,
                  struct error *err);

#endif
