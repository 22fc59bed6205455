#include "config.h"
#include "config/iniwriter.h"

#include <string.h>

#include "config/keycheck.h"

void iniwriter_name(const char *name, struct str *out)
{
    for (; *name; name++)
        str_add_char(out, keycheck_is_of_name(*name) ? *name : '_');
}

static bool is_key(const struct key *key, const char *name)
{
    return strcmp(key->name, name) == 0;
}

/* True if VALUE, which has double quotes of its own, is read back unchanged: no quote is open,
 * and they are not taken for the value's. */
static bool keeps_its_quotes(const char *value)
{
    size_t n = 0;
    for (const char *c = value; (c = strchr(c, '"')); c++)
        n++;
    const char *second = *value == '"' ? strchr(value + 1, '"') : NULL;
    return n % 2 == 0 && !(second && !second[1]);
}

/* Quotes keep a `;` from starting a comment; passwords and commands are read literally. */
bool iniwriter_line(const struct key *key, const char *value, struct str *out, struct error *err)
{
    size_t len = strlen(value);
    bool blanks = len > 0 && (strchr(" \t", value[0]) || strchr(" \t", value[len - 1]));
    bool odd = blanks || strchr(value, ';') || *value == '#', quotes = strchr(value, '"');
    if ((key->flags & KEY_RAW) && blanks)
        return error_config(err, "%s begins or ends with a blank: use password_file", key->name);
    if (!(key->flags & KEY_RAW) && quotes && (odd || !keeps_its_quotes(value)))
        return error_config(err,
                            "%s: this value with its double quote cannot be written in an INI file",
                            key->name);
    bool quote = !(key->flags & KEY_RAW) && odd;
    str_addf(out, "%s = %s%s%s\n", key->name, quote ? "\"" : "", value, quote ? "\"" : "");
    return true;
}

/* True if KEY has to be written for ACCOUNT to be itself. */
static bool is_needed(const struct account *account, const struct key *key)
{
    if (!account->as_msmtp)
        return key_is_set(&account->set, key);
    if (is_key(key, "queue") || is_key(key, "domains") || is_key(key, "auth_without_tls"))
        return false;
    if (is_key(key, "port"))
        return !*account->socket;
    if (is_key(key, "auth") || is_key(key, "tls") || is_key(key, "syslog"))
        return true;
    if ((is_key(key, "timeout") && account->timeout == 0) ||
        (is_key(key, "domain") && strcmp(account->domain, "localhost") == 0))
        return false; /* msmtp's default, not a choice: see the remarks of convert */
    if (is_key(key, "tls_starttls"))
        return account->tls;
    struct account *usual = account_new("", account->scope);
    struct str here = {.secret = true}, there = {0};
    key_print(key, account, &here);
    key_print(key, usual, &there);
    bool differs = strcmp(str_text(&here), str_text(&there)) != 0;
    str_clear(&here);
    str_clear(&there);
    account_free(usual);
    return differs;
}

static bool add_key(const struct account *account, const struct key *key, struct str *out,
                    struct error *err)
{
    struct str value = {.secret = true};
    if (key->type == KEY_SECRET)
        str_add_n(&value, str_text(&account->password), account->password.len);
    else if (is_key(key, "port") && account->as_msmtp)
        str_addf(&value, "%d", account_port(account));
    else if (is_key(key, "syslog") && account->as_msmtp && account->syslog == SYSLOG_ON)
        str_add(&value, "LOG_USER");
    else
        key_print(key, account, &value);
    bool ok = iniwriter_line(key, str_text(&value), out, err);
    str_clear(&value);
    return ok;
}

/* msmtp chooses an account by its `from` alone; in an INI file `domains` says so. */
static void add_what_differs(const struct account *account, struct str *out)
{
    struct error ignored;
    if (strchr(account->from, '@') && !strpbrk(account->from, "?*[%") &&
        keycheck_served(account->from, &ignored))
        str_addf(out, "domains = %s\n", account->from);
    if (account->auth > AUTH_ON && !account->tls)
        str_add(out, "auth_without_tls = on\n");
    str_add(out, "; queue = off    would be msmtp's way: what cannot be sent now is lost\n");
}

bool iniwriter_account(const struct account *account, const char *password_file, struct str *out,
                       struct error *err)
{
    bool ok = true;
    str_add(out, "[account ");
    iniwriter_name(account->name, out);
    str_add(out, "]\n");
    for (size_t i = 0; ok && i < key_count; i++) {
        const struct key *key = &key_table[i];
        if (key->section != KEY_ACCOUNT || !is_needed(account, key))
            continue;
        if (key->type == KEY_SECRET && password_file)
            str_addf(out, "password_file = %s\n", password_file);
        else
            ok = add_key(account, key, out, err);
    }
    if (account->as_msmtp)
        add_what_differs(account, out);
    str_add(out, "\n");
    return ok || error_prefix(err, "account %s", account->name);
}
