/* --configure=ADDRESS: a configuration to begin with. */
#ifndef CONFIGURE_H
#define CONFIGURE_H

#include "cli/invocation.h"
#include "submit/site.h"

/* Prints an account for call->configure, from the table of providers, else from the SRV records of
 * its domain: as INI, or for the name msmtp as msmtprc. EX_DATAERR where that is no address,
 * EX_NOHOST where nothing is known. */
int configure_run(const struct invocation *call, struct site *site);

#endif
