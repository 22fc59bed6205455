/* Accounts written as sections of an INI file that mean the same. */
#ifndef INIWRITER_H
#define INIWRITER_H

#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"
#include "config/account.h"
#include "config/key.h"

/* Appends ACCOUNT, under its name made fit for INI. Of an account that is as_msmtp every key is
 * written whose value is not what an INI file would mean without it, but for `queue`. With
 * PASSWORD_FILE, if not NULL, that is written instead of the password. A value that no INI file
 * can hold: EX_CONFIG. */
bool iniwriter_account(const struct account *account, const char *password_file, struct str *out,
                       struct error *err);

/* Appends "KEY = VALUE" and a newline, so that VALUE is read back as it is; EX_CONFIG if no INI
 * file can hold it, and OUT stays as it is. */
bool iniwriter_line(const struct key *key, const char *value, struct str *out, struct error *err);

/* Appends the name of an account with every character that an INI file does not take made '_'. */
void iniwriter_name(const char *name, struct str *out);

#endif
