/* Hashes of passwords, crypt(5), by libcrypt, which is loaded when it is first needed (musl's C
 * library has it itself). */
#ifndef PASSWORDHASH_H
#define PASSWORDHASH_H

#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"

/* Loads the library. EX_UNAVAILABLE if there is none. */
bool passwordhash_prepare(struct error *err);

/* True if TEXT looks like a hash that takes an attacker time: yescrypt, gost-yescrypt, scrypt,
 * bcrypt, sha512crypt, sha256crypt. */
bool passwordhash_is_strong(const char *text);

/* True if PASSWORD is what HASH was made of. Takes as long as HASH says, whatever the answer. */
bool passwordhash_fits(const char *hash, const char *password);

/* Appends a hash of PASSWORD: yescrypt, sha512crypt where the library knows only that. */
bool passwordhash_make(struct str *out, const char *password, struct error *err);

#endif
