#include "config.h"
#include "config/users.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/memory.h"
#include "base/passwordhash.h"
#include "config/keycheck.h"

enum { FIELDS = 4, KEY_DIGITS = 64 };

/* Appends LINE's fields, as many as there are, the rest "". False: there are more. */
static bool split(const char *line, size_t len, char *field[FIELDS])
{
    const char *end = line + len;
    for (int i = 0; i < FIELDS; i++) {
        const char *colon = memchr(line, ':', (size_t)(end - line));
        size_t n = (size_t)((colon ? colon : end) - line);
        field[i] = memory_copy_n(line, n);
        line += n + (colon != NULL);
        if (colon && i == FIELDS - 1)
            return false;
    }
    return true;
}

/* "spki:"-like colons would be fields, so the digits stand alone. */
static bool take_key(struct user *user, const char *text)
{
    user->key = memory_copy(text);
    for (char *c = user->key; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return strlen(user->key) == KEY_DIGITS && strspn(user->key, "0123456789abcdef") == KEY_DIGITS;
}

static bool take_secret(struct user *user, const char *text, struct error *err)
{
    user->hash = memory_copy("");
    if (strncmp(text, "key=", 4) == 0)
        return take_key(user, text + 4) ||
               error_config(err, "key= must have the 64 hexadecimal digits of a SHA-256");
    user->key = memory_copy("");
    if (strcmp(text, "*") == 0)
        return true;
    if (!passwordhash_is_strong(text))
        return error_config(err,
                            "user %s has no hash that is strong enough: make the line with "
                            "`onehopctl passwd %s`",
                            user->name, user->name);
    memory_replace(&user->hash, text);
    return true;
}

static bool take_senders(struct user *user, const char *text, struct error *err)
{
    while (*text) {
        size_t len = strcspn(text, ",");
        size_t blanks = strspn(text, " ");
        char *item = memory_copy_n(text + blanks, len < blanks ? 0 : len - blanks);
        strlist_take(&user->senders, item);
        if (!keycheck_served(item, err))
            return false;
        text += len + (text[len] == ',');
    }
    return true;
}

bool users_is_name(const char *name)
{
    return *name && *name != '#' && !strpbrk(name, ": \t") && !escape_has_control(name);
}

static bool take_fields(struct users *users, char *field[FIELDS], struct error *err)
{
    struct user *user = &users->item[users->n];
    if (!users_is_name(field[0]))
        return error_config(err, "a name without blanks must come first: name:hash");
    if (escape_has_control(field[2]) || escape_has_control(field[3]))
        return error_config(err, "user %s: a control character", field[0]);
    if (users_find(users, field[0]))
        return error_config(err, "user %s was already described", field[0]);
    users->n++;
    *user = (struct user){.name = memory_copy(field[0]), .account = memory_copy(field[2])};
    return take_secret(user, field[1], err) && take_senders(user, field[3], err);
}

static bool take_line(struct users *users, const char *line, size_t len, struct error *err)
{
    char *field[FIELDS] = {0};
    users->item = memory_grow(users->item, users->n, &users->size, sizeof *users->item);
    bool ok =
        split(line, len, field) || error_config(err, "too many fields: name:hash:account:senders");
    ok = ok && take_fields(users, field, err);
    for (int i = 0; i < FIELDS; i++)
        free(field[i]);
    return ok;
}

bool users_parse(struct users *users, const char *path, const struct str *text, struct error *err)
{
    int number = 1;
    for (const char *line = str_text(text); *line; number++) {
        size_t len = strcspn(line, "\n");
        size_t end = len > 0 && line[len - 1] == '\r' ? len - 1 : len;
        if (end > 0 && *line != '#' && !take_line(users, line, end, err))
            return error_prefix(err, "%s:%d", path, number);
        line += len + (line[len] == '\n');
    }
    return true;
}

bool users_check_accounts(const struct users *users, const struct configuration *config,
                          const char *path, struct error *err)
{
    for (size_t i = 0; i < users->n; i++) {
        const struct user *user = &users->item[i];
        if (*user->account && !configuration_account(config, user->account))
            return error_config(err, "%s: user %s: there is no account %s", path, user->name,
                                user->account);
    }
    return true;
}

const struct user *users_find(const struct users *users, const char *name)
{
    for (size_t i = 0; i < users->n; i++)
        if (strcmp(users->item[i].name, name) == 0)
            return &users->item[i];
    return NULL;
}

const struct user *users_find_key(const struct users *users, const char *key)
{
    for (size_t i = 0; *key && i < users->n; i++)
        if (strcmp(users->item[i].key, key) == 0)
            return &users->item[i];
    return NULL;
}

/* What is as costly as a user's: the first one's. */
static const char *dummy(const struct users *users)
{
    for (size_t i = 0; i < users->n; i++)
        if (*users->item[i].hash)
            return users->item[i].hash;
    return "";
}

const struct user *users_log_in(const struct users *users, const char *name, const char *password)
{
    const struct user *user = users_find(users, name);
    bool has_password = user && *user->hash;
    bool fits = passwordhash_fits(has_password ? user->hash : dummy(users), password);
    return fits && has_password ? user : NULL;
}

void users_clear(struct users *users)
{
    for (size_t i = 0; i < users->n; i++) {
        struct user *user = &users->item[i];
        free(user->name);
        explicit_bzero(user->hash, strlen(user->hash));
        free(user->hash);
        free(user->key);
        free(user->account);
        strlist_clear(&user->senders);
    }
    free(users->item);
    *users = (struct users){0};
}
