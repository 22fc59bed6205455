/* msmtp's exit statuses. They do not separate temporary from permanent failures, so they are for
 * callers by the name msmtp alone; see verdict.h for ours. */
#ifndef MSMTPCODE_H
#define MSMTPCODE_H

#include <stdbool.h>

#include "base/error.h"

/* False where configure left msmtp out: its name means what onehop's means, nothing else of compat/
 * is there, and an msmtprc is refused. */
extern const bool msmtpcode_is_built_in;

/* The exit status that msmtp would end with where this ended us. Pure. */
int msmtpcode_of(const struct error *err);

#endif
