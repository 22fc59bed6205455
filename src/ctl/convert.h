/* onehopctl convert: the configuration of msmtp, ssmtp, nullmailer or dma as an INI file. */
#ifndef CONVERT_H
#define CONVERT_H

#include "config/site.h"

/* Arguments: [--secrets FILE] [FILE]. FILE is an msmtprc, ssmtp.conf, dma.conf, or nullmailer's
 * directory; without it the first of these that is there. The INI file goes to standard output;
 * passwords go into it, or with --secrets into that file and, from the second on, FILE.ACCOUNT,
 * which must not exist and get mode 0600. Returns the exit status. */
int convert_run(int argc, char **argv, struct site *site);

#endif
