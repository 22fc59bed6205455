/* /etc/aliases in the syntax of aliases(5), as sendmail and Postfix read it: `name: a, b`,
 * continuation lines that begin with a blank, # comments at the start of a line, quoted names and
 * values, names in any case, `:include:/file`, a missing final newline. */
#ifndef ALIASES_H
#define ALIASES_H

#include <stdbool.h>

#include "base/error.h"
#include "base/strlist.h"

struct aliases;

/* Reads PATH. A file that does not exist is an empty set when MAY_BE_MISSING. A line that cannot be
 * understood is skipped and told in WARNINGS ("PATH:LINE: ..."), because mail must not be lost over
 * somebody else's typing error. Only an unreadable file is an error (EX_CONFIG). Free with
 * aliases_free(). */
bool aliases_read(struct aliases **aliases, const char *path, bool may_be_missing,
                  struct strlist *warnings, struct error *err);

/* Appends what NAME (a bare local part) stands for, expanded until nothing is left to expand. Bare
 * names that no alias fits, and addresses with a domain that is not local, come out as they are; a
 * name of an alias list that is in the midst of being expanded (a loop) stands for itself. The
 * entry `default:`, if there is one, serves names without an alias of their own. Pipes ("|cmd") and
 * files
 * (/x) are left out with a warning; if an alias has nothing else, the name itself comes out, so
 * that admin gets the mail. False, and OUT untouched, if no alias fits NAME. */
bool aliases_expand(const struct aliases *aliases, const char *name, struct strlist *out,
                    struct strlist *warnings);

void aliases_free(struct aliases *aliases);

#endif
