/* onehopctl setup: from an address to a configuration that works. */
#ifndef SETUP_H
#define SETUP_H

#include "config/site.h"

/* Finds the server of the address in ARGV, asks for the password, writes an account and the
 * password's file, tries the login, and on the system's level makes the service's user and starts
 * the service. Options answer every question. What is there already is never replaced without
 * --yes; a login that fails leaves nothing behind. Prints what it wrote and how to undo it. Returns
 * the exit status. */
int setup_run(int argc, char **argv, struct site *site);

#endif
