/* The file that keeps an account's tokens between calls: lines of KEY VALUE, so that the way of the
 * mail reads it without a JSON parser. Only libexec/onehop-token writes it, as a whole (see
 * token/tokenstore.h). Mode 0600, in a directory of the user that sends. */
#ifndef TOKENFILE_H
#define TOKENFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "config/site.h"

enum {
    TOKENFILE_MAX = 256 * 1024, /* octets of the file */
    TOKEN_MAX = 64 * 1024,      /* octets of one token */
    TOKEN_AHEAD = 300,          /* seconds before its end that an access token is renewed */
};

/* Zeroed memory is no token. Times are seconds since 1970 by this machine's clock. */
struct tokens {
    struct str login;   /* whose they are: see tokenfile_login() */
    struct str access;  /* a secret; "" for none */
    struct str refresh; /* a secret; "" for none */
    struct str scope;   /* what was granted, blanks between; "" if the server did not say */
    int64_t obtained;   /* when the access token came */
    int64_t expires;    /* when it ends; 0: the server did not say */
    int64_t person;     /* when a person consented; 0: nobody did */
};

/* Appends what identifies a login: the server, the client id, the user and what is asked for.
 * Tokens of another login are not used. */
void tokenfile_login(struct str *out, const struct account *account);

/* Appends the path of the account's file: in the system's token directory, or below the caller's
 * state_home. False if there is no place for one. */
bool tokenfile_path(struct str *out, const struct account *account, const struct site *site);

/* Reads a file's TEXT. False if it is not one: nothing of it is to be used. */
bool tokenfile_parse(const char *text, size_t len, struct tokens *tokens);

/* Appends the text of the file. OUT should be a secret. */
void tokenfile_print(const struct tokens *tokens, struct str *out);

/* Reads the file at PATH. *FOUND is false, and nothing is filled, if there is none. False, account,
 * EX_CONFIG, if others can read it, it belongs to neither this process's user, root nor the
 * service's user, or it is no file of tokens. */
bool tokenfile_read(const char *path, struct tokens *tokens, bool *found, struct error *err);

/* Whose tokens the file has that belongs to an account. */
enum tokenfile_found {
    TOKENFILE_NONE,  /* there is no file */
    TOKENFILE_OTHER, /* another login's: they are of no use */
    TOKENFILE_OWN,
};

/* Finds and reads the file of ACCOUNT, which has oauth. Fails as tokenfile_read(). */
bool tokenfile_find(const struct account *account, const struct site *site, struct tokens *tokens,
                    enum tokenfile_found *whose, struct error *err);

/* True if the access token can be used at NOW: it lives for TOKEN_AHEAD seconds more, or, where it
 * lives for less than twice that, for half of its life. A clock that was set back makes it stale.
 */
bool tokens_are_fresh(const struct tokens *tokens, int64_t now);

/* Wipes and frees; may be called twice. */
void tokens_clear(struct tokens *tokens);

#endif
