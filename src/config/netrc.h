/* The file ~/.netrc as ftp(1), curl and msmtp read it: machine, login, password, account, default,
 * macdef; words in double quotes, where a backslash protects the next character. */
#ifndef NETRC_H
#define NETRC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum { NETRC_FILE_MAX = 1024 * 1024 }; /* octets */

/* Appends to OUT, a secret, the password of the first entry in TEXT for MACHINE (case is ignored)
 * whose login is LOGIN or is not given. The entry `default` is for FTP and never fits. False, and
 * OUT untouched, if there is none. What is no netrc is passed over. */
bool netrc_find(const char *text, size_t len, const char *machine, const char *login,
                struct str *out);

#endif
