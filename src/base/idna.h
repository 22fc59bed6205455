/* Internationalized domain names (RFC 5890), with libidn2: the only place that knows the library.
 */
#ifndef IDNA_H
#define IDNA_H

#include <stdbool.h>

#include "base/str.h"

/* Appends DOMAIN with U-labels turned into A-labels; what is ASCII stays as it is. False, and OUT
 * untouched, if it is no valid UTF-8 or no name can be made of it. */
bool idna_to_alabels(struct str *out, const char *domain);

#endif
