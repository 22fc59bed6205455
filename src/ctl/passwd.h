/* `onehopctl passwd`: a line for the file of users of the listener for the network. */
#ifndef PASSWD_H
#define PASSWD_H

#include "config/site.h"

/* Prints ARGV[0] with a hash of the password that is asked for twice, or is the first line of
 * standard input where that is no terminal. Returns the exit status. */
int passwd_run(int argc, char **argv, struct site *site);

#endif
