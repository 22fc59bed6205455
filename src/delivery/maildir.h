/* Mail kept on this machine, in a Maildir (https://cr.yp.to/proto/maildir.html): one file for each
 * message. The file is written and synced below tmp/, then renamed into new/ or cur/. Its lines end
 * in LF. Its name contains the entry's id, by which a later attempt finds it.
 *
 * A Maildir that is missing is made with mode 0700. In one that exists, files and directories get
 * its mode and inherit its set-group-ID bit, so that the same users can read them; what everybody
 * may write to is not made. Failures have the account's scope and EX_TEMPFAIL; the class is
 * permanent where a person must mend the path. */
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
    bool seen;  /* it is put into cur/ with the flag S, not into new/ */
    bool again; /* an earlier attempt may have kept it: its file is looked for */
};

/* Makes the Maildir at PATH, or those of its directories that are missing. */
bool maildir_make(const char *path, struct error *err);

/* Keeps MAIL in the Maildir at PATH, which is made if it is missing. True: the file is on disk, and
 * its path is appended to FILE. Memory does not grow with the message. */
bool maildir_keep(const char *path, const struct maildir_mail *mail, struct str *file,
                  struct error *err);

#endif
