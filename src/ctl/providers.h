/* onehopctl providers: what the table of providers knows. */
#ifndef PROVIDERS_H
#define PROVIDERS_H

#include "config/site.h"

/* Prints all providers, or the one of a mail domain or address in ARGV; with --json, an array. Returns
 * the exit status: EX_NOHOST where no provider is known. */
int providers_run(int argc, char **argv, struct site *site);

#endif
