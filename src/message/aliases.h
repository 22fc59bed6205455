/* /etc/aliases in the syntax of aliases(5), as sendmail and Postfix read it: `name: a, b`,
 * continuation lines that begin with a blank, # comments at the start of a line (and, as msmtp has
 * it, behind a blank), quoted names and values, names in any case, `\name` for a name that is not
 * looked up again, `:include:/file`, a missing final newline. Of two entries of a name the first
 * counts. */
#ifndef ALIASES_H
#define ALIASES_H

#include <stdbool.h>

#include "base/error.h"
#include "base/strlist.h"

enum {
    ALIASES_FILE_MAX = 16 * 1024 * 1024, /* octets of the file, and of one that it includes */
    ALIASES_DEPTH_MAX = 50,              /* an alias of an alias of ... */
};

struct aliases;

/* Reads PATH. A file that does not exist is an empty set when MAY_BE_MISSING. A line that cannot be
 * understood is skipped and reported in WARNINGS ("PATH:LINE: ..."): mail must not be lost over
 * somebody else's typing error. Only an unreadable file is an error (EX_CONFIG). Free with
 * aliases_free(). */
bool aliases_read(struct aliases **aliases, const char *path, bool may_be_missing,
                  struct strlist *warnings, struct error *err);

/* Appends what NAME (a bare local part) means, expanded until nothing is left to expand, each
 * alias once. Bare names that no alias fits, and addresses with a domain, come out as they are; a
 * name that is in the midst of being expanded (a loop) means itself. The entry `default:`, if
 * there is one, serves names without an alias of their own. Pipes ("|cmd"), files (/x) and included
 * files that can't be read are left out with a warning; if nothing else is left, the name itself
 * comes out, so that admin gets the mail. WARNINGS has each text once. False, and OUT
 * untouched, if no alias fits NAME. */
bool aliases_expand(const struct aliases *aliases, const char *name, struct strlist *out,
                    struct strlist *warnings);

void aliases_free(struct aliases *aliases);

#endif
