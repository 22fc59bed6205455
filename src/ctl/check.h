/* onehopctl check: every step up to the login, one by one, each with its time. */
#ifndef CHECK_H
#define CHECK_H

#include "config/site.h"

/* Checks the account of that name, or all that the caller can use for "". Sends no mail. Returns 0
 * if every step of every account held, else the exit status of the first failure. */
int check_run(const char *account, struct site *site);

/* The same with FILE in the place of the user's configuration. With FOR_SERVICE its passwords are for
 * the service: as root the login is tried as the service's user. */
int check_file(const char *file, const char *account, bool for_service, struct site *site);

#endif
