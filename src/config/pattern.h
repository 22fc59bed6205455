/* Patterns in `from` and `domain`: %U the caller's login name, %H this host, %C its full name, %M
 * the mailname, %F the address in the From field of the message. */
#ifndef PATTERN_H
#define PATTERN_H

#include "base/str.h"

struct pattern_facts {
    const char *user, *host, *canonical, *mail_name;
    const char *from; /* "" leaves %F as it is */
};

/* Appends TEXT with the patterns replaced; control characters of what replaces them become '?'.
 * Other uses of '%' stay. */
void pattern_expand(const char *text, const struct pattern_facts *facts, struct str *out);

#endif
