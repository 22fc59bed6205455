/* The log: a file of the account's, syslog, or both. */
#ifndef LOGFILE_H
#define LOGFILE_H

#include <stdbool.h>

#include "base/error.h"
#include "config/account.h"

/* Appends LINE, with the time in front, to the account's logfile ("-" is standard output) in one
 * write; sends it to syslog (as msmtp if PROGRAM is that, else as onehop) if the account says so,
 * or if ACCOUNT is NULL. False: the file could not be written. */
bool logfile_write(const char *program, const struct account *account, const char *line,
                   bool success, struct error *err);

#endif
