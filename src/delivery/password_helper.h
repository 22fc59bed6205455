/* A process that finds the password of one account for a worker that is confined: behind its fence
 * a worker starts no program, but a password_command is asked again when a token has ended, and not
 * at all while the account is left alone. The helper is started before the fence and answers one
 * question only. It ends when its worker does. */
#ifndef PASSWORD_HELPER_H
#define PASSWORD_HELPER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "config/account.h"
#include "config/password.h"

struct password_helper {
    const struct account *account;
    int fd;    /* -1: it could not be started, and every question fails */
    pid_t pid; /* the child */
};

/* Starts the helper for ACCOUNT, which keeps of this process's descriptors the first three and its
 * own. */
void password_helper_start(struct password_helper *helper, const struct account *account,
                           const struct password_sources *sources);

/* As password_find() in the helper, with the deadline and the refused token of SOURCES. Also fails,
 * as a temporary failure of the account, if the helper is gone. */
bool password_helper_ask(struct password_helper *helper, const struct password_sources *sources,
                         struct str *out, struct error *err);

/* Ends the helper and waits for that. */
void password_helper_end(struct password_helper *helper);

#endif
