/* One configuration file in msmtp's own form: a command and its argument on each line, `account`
 * and `defaults` begin blocks, `eval` takes a line from a command. What the file means is msmtp's
 * (its defaults, its inheritance), but lines may be of any length, and a command that fails is an
 * error.
 *
 * Inheritance: an account begins as a copy of the defaults of that moment; then each account it
 * names gives it what was said explicitly there, or in the accounts that one names, but not what
 * that one had from the defaults of its own moment. */
#ifndef MSMTPRC_H
#define MSMTPRC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/str.h"
#include "config/configfile.h"

enum {
    MSMTPRC_EVAL_MAX = 64 * 1024,  /* octets that a command of `eval` may print */
    MSMTPRC_EVAL_TIME = 60 * 1000, /* milliseconds for the commands of one file */
};

/* Reads TEXT into FILE (path, scope and home filled, providers and queue not used); its accounts
 * are as_msmtp. Commands of `eval` must be through by DEADLINE. secret_line is that of a password
 * in the file itself. On failure ("PATH:LINE: ...", EX_CONFIG; EX_IOERR for `eval`)
 * the file holds what was read so far. */
bool msmtprc_read(struct configfile *file, const struct str *text, int64_t deadline,
                  struct error *err);

/* The same for a file of FACTS that a caller of UID uses, from now on; with msmtp's rule for
 * secrets: a user's file with a password in it must belong to UID, and nobody else may read it,
 * unless UID is root's. */
bool msmtprc_load(struct configfile *file, const struct str *text, const struct stat *facts,
                  uid_t uid, struct error *err);

#endif
