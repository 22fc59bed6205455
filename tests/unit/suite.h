/* What every unit test starts with: cmocka, what cmocka wants before it, and the usual headers. */
#ifndef SUITE_H
#define SUITE_H

#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <cmocka.h>

#endif
