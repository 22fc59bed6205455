/* The files that prove which client asks: a secret, a key, a certificate. */
#ifndef SECRETFILE_H
#define SECRETFILE_H

#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"
#include "token/tokenrequest.h"

enum { SECRETFILE_MAX = 64 * 1024 }; /* octets */

/* Appends the file PATH. EX_CONFIG if it can be read by others, belongs to neither this process's
 * user, root nor the service's user, or is a bare name, since then there was no directory of
 * credentials. A file system that nobody can write to is an exception, and so is a credential,
 * whose modes systemd chose. Unreadable: temporary. */
bool secretfile_read(const struct token_request *request, const char *path, struct str *out,
                     struct error *err);

/* The same for what everybody may read. */
bool secretfile_read_public(const char *path, struct str *out, struct error *err);

/* Appends the first line, which must not be empty. */
bool secretfile_read_line(const struct token_request *request, const char *path, struct str *out,
                          struct error *err);

#endif
