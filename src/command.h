/* The program: picks a command by the name it was called by, runs it, returns its exit status. */
#ifndef COMMAND_H
#define COMMAND_H

#include "config/configuration.h"

int command_run(int argc, char **argv, const struct paths *paths);

#endif
