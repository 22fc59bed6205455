/* msmtp's exit statuses. They do not tell what may help from what will not, so they are for callers
 * by the name msmtp alone; see verdict.h for ours. */
#ifndef MSMTPCODE_H
#define MSMTPCODE_H

#include "base/error.h"

/* The exit status that msmtp would end with where this ended us. Pure. */
int msmtpcode_of(const struct error *err);

#endif
