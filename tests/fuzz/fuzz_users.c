/* The file of the users that log in to the listener. Who is in it can be found, by a name that is
 * one word and one's own, with a hash that takes an attacker time, a key, or neither. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/passwordhash.h"
#include "config/users.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct users *users, const struct user *user)
{
    if (!*user->name || strpbrk(user->name, " \t:\n") || escape_has_control(user->name) ||
        users_find(users, user->name) != user)
        abort();
    if (*user->hash && (*user->key || !passwordhash_is_strong(user->hash)))
        abort();
    if (*user->key && (strlen(user->key) != 64 || !users_find_key(users, user->key)))
        abort();
    for (size_t i = 0; i < user->senders.n; i++)
        if (!*user->senders.item[i] || escape_has_control(user->senders.item[i]))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct users users = {0};
    struct str text = {0};
    struct error err = {0};
    str_add_n(&text, data, size);
    bool ok = users_parse(&users, "users", &text, &err);
    for (size_t i = 0; ok && i < users.n; i++)
        check(&users, &users.item[i]);
    if (!ok && strncmp(err.text, "users:", 6) != 0)
        abort();
    users_clear(&users);
    str_clear(&text);
    return 0;
}
