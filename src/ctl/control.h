/* onehopctl: one verb, one function. */
#ifndef CONTROL_H
#define CONTROL_H

#include "config/configuration.h"

int control_run(int argc, char **argv, const struct paths *paths);

#endif
