/* A machine without provider: the account that setup writes keeps all mail in a Maildir. */
#ifndef SETUP_MAILDIR_H
#define SETUP_MAILDIR_H

#include "config/site.h"
#include "ctl/setup_answers.h"
#include "ctl/setup_file.h"

/* What was made besides the account. */
struct setup_maildir {
    bool made;          /* the directory was not there */
    struct str drop_in; /* the unit's, "" if there is none */
};

/* Sets the path where none was named, and the address that a test message goes to. An account of
 * the same level that is there already is an error, EX_CANTCREAT, unless it is the very account
 * that is wanted: *KEPT. THERE is the one that has its name, in its file, or NULL. */
bool setup_maildir_choose(struct setup_answers *answers, const struct site *site,
                          const struct account *there, bool *kept, struct error *err);

/* Appends the section. EX_CONFIG: an INI file cannot hold the path. */
bool setup_maildir_add(const struct setup_answers *answers, struct str *text, struct error *err);

/* For the machine: makes the directory, OWNER's, and where systemd runs the service and the place
 * is not one that its unit names, a drop-in that lets it write there. EX_CANTCREAT, EX_USAGE. */
bool setup_maildir_make(struct setup_maildir *maildir, const struct site *site, const char *path,
                        const struct setup_owner *owner, struct error *err);

/* Removes what was made, and no mail. */
void setup_maildir_undo(const struct setup_maildir *maildir, const char *path);

#endif
