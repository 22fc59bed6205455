/* The setting that would mend a connection that failed, for the person who reads the error. */
#ifndef REMEDY_H
#define REMEDY_H

#include "base/error.h"
#include "config/account.h"

/* Appends it to ERR's one line, as it is written in the kind of file that ACCOUNT is from, where
 * there is one: another port where nothing can be reached, the TLS mode that the port speaks, a
 * login method that the server offers. */
void remedy_append(struct error *err, const struct account *account);

#endif
