/* What is only done for callers by the name msmtp: its way to show the configuration, its checks,
 * its environment variables. For other names these do nothing. */
#ifndef ASMSMTP_H
#define ASMSMTP_H

#include <stdbool.h>

#include "base/error.h"
#include "submit/send_context.h"

/* A file named with -C that cannot be read is EX_IOERR. */
bool asmsmtp_check_file(const struct send_context *s, struct error *err);

/* With -P and -v: which files were read, and which were not. */
void asmsmtp_show_files(const struct send_context *s);

/* Which account it is and all its settings, in msmtp's order and words; credentials are stars. */
void asmsmtp_show_account(const struct send_context *s);

/* Where no account is called default: the one that $SMTPSERVER and $EMAIL describe, for onehop,
 * too. False if they do not, or the call chose an account. */
bool asmsmtp_environment(struct send_context *s);

/* A message needs an envelope sender: EX_CONFIG. */
bool asmsmtp_check_account(const struct send_context *s, struct error *err);

#endif
