/* Internationalized domain names (RFC 5890), with GnuTLS, which is loaded for them. */
#ifndef IDNA_H
#define IDNA_H

#include <stdbool.h>

#include "base/str.h"

/* Appends DOMAIN with U-labels turned into A-labels; what is ASCII stays as it is. False, and OUT
 * untouched, if it is no valid UTF-8, no name can be made of it, or the module is missing. */
bool idna_to_alabels(struct str *out, const char *domain);

#endif
