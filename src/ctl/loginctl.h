/* onehopctl login: a person lets an account send with OAuth 2.0 tokens. */
#ifndef LOGINCTL_H
#define LOGINCTL_H

#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"
#include "config/site.h"

/* ACCOUNT [--device]. Starts libexec/onehop-token, which speaks to the person; for an account of
 * the system's root does it as the service's user. Returns the exit status. */
int loginctl_run(int argc, char **argv, struct site *site);

/* Appends what is kept of ACCOUNT's login, in lines: whose it is, what was granted, until when.
 * False, with the line to run, if nothing is kept that can be used or renewed. */
bool loginctl_describe(struct str *out, const struct account *account, const struct site *site,
                       struct error *err);

#endif
