/* The account that setup writes. */
#ifndef SETUP_ACCOUNT_H
#define SETUP_ACCOUNT_H

#include "ctl/configure.h"
#include "ctl/setup_answers.h"

/* Appends the section. What the table of providers knows is left to it, so that its updates reach
 * the account. Without a command the password is in PASSWORD_FILE. False, EX_CONFIG:
 * an INI file cannot hold one of the answers. */
bool setup_account_add(const struct setup_answers *answers, const struct submission_server *server,
                       const char *password_file, struct str *text, struct error *err);

#endif
