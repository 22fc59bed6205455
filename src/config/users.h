/* The users of the listener for the network, from the file that users_file names:
 *
 *     scanner:$y$j9T$...                                 name and crypt(5) hash, as `onehopctl
 *                                                        passwd` prints them
 *     nas:$y$j9T$...:work                                and the account of its mail
 *     shop:$y$j9T$...:work:shop@example.com,example.org  and what it may send as
 *     host7.lan:*                                        only by the certificate of that name
 *     camera:key=0123abcd...                             only by the key with that SHA-256
 *
 * Lines that begin with '#' are comments. */
#ifndef USERS_H
#define USERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/str.h"
#include "base/strlist.h"
#include "config/configuration.h"

enum { USERS_FILE_MAX = 1024 * 1024 }; /* octets */

struct user {
    char *name;
    char *hash; /* "" if it has no password */
    char *key;  /* lower case hex, "" if it has none */
    char *
        account; /* "", or NULL where a certificate made the user: the one that serves the sender */
    struct strlist senders; /* empty: any */
};

struct users {
    struct user *item;
    size_t n, size;
};

/* Reads TEXT of the file PATH. EX_CONFIG, with PATH:LINE. On failure clear USERS, too. */
bool users_parse(struct users *users, const char *path, const struct str *text, struct error *err);

/* True if a line of the file can begin with NAME. */
bool users_is_name(const char *name);

/* EX_CONFIG unless CONFIG has the account of each. */
bool users_check_accounts(const struct users *users, const struct configuration *config,
                          const char *path, struct error *err);

/* NULL if there is none. */
const struct user *users_find(const struct users *users, const char *name);
const struct user *users_find_key(const struct users *users, const char *key);

/* The user NAME if PASSWORD is its password, else NULL; a name that is not there takes as long. */
const struct user *users_log_in(const struct users *users, const char *name, const char *password);

void users_clear(struct users *users);

#endif
