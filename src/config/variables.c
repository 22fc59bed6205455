#include "config.h"
#include "config/variables.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/fileread.h"
#include "base/memory.h"
#include "base/translation.h"

enum { VALUE_MAX = 65536 };

static const char prefix[] = "ONEHOP_", suffix[] = "_file";

/* The key that NAME means, in small letters; *OF_FILE if its value is in a file. */
static const struct key *find(const char *name, bool *of_file)
{
    size_t len = strlen(name), end = sizeof suffix - 1;
    const struct key *key = key_find(KEY_ACCOUNT, name);
    *of_file = !key && len > end && strcmp(name + len - end, suffix) == 0;
    if (*of_file) {
        char *word = memory_copy_n(name, len - end);
        key = key_find(KEY_ACCOUNT, word);
        free(word);
    }
    return key && strcmp(key->name, "inherit") != 0 ? key : NULL;
}

static bool read_value(const char *text, bool of_file, struct str *value, struct error *err)
{
    if (of_file && !fileread_all(text, VALUE_MAX, value, NULL, err))
        return false;
    if (of_file)
        str_truncate(value, strcspn(str_text(value), "\r\n"));
    else
        str_add(value, text);
    return true;
}

static bool take(struct account **account, const char *variable, const struct caller *caller,
                 struct error *err)
{
    const char *equals = strchr(variable, '=');
    if (strncmp(variable, prefix, sizeof prefix - 1) != 0 || !equals)
        return true;
    const char *begin = variable + sizeof prefix - 1;
    char *name = memory_copy_n(begin, (size_t)(equals - begin));
    for (char *c = name; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    struct str value = {.secret = true};
    bool of_file, ok = true;
    const struct key *key = find(name, &of_file);
    const char *nearest = key ? NULL : key_nearest(KEY_ACCOUNT, name);
    if (key && !*account)
        *account = account_new("default", caller->is_service ? SCOPE_SYSTEM : SCOPE_USER);
    if (key)
        ok = read_value(equals + 1, of_file, &value, err) &&
             account_set(*account, key->name, str_text(&value), caller->home, err);
    else if (nearest)
        ok = error_config(err, "there is no key '%s': did you mean '%s'?", name, nearest);
    if (!ok)
        (void)error_prefix(err, "variable %.*s", (int)(equals - variable), variable);
    str_clear(&value);
    free(name);
    return ok;
}

bool variables_account(struct account **account, const struct caller *caller, struct error *err)
{
    char *const *variables = caller->variables;
    bool ok = true;
    *account = NULL;
    for (; ok && variables && *variables; variables++)
        ok = take(account, *variables, caller, err);
    if (*account)
        memory_replace(&(*account)->file, N_("the environment"));
    if (!ok) {
        account_free(*account);
        *account = NULL;
    }
    return ok;
}

void variables_wipe_password(const struct caller *caller)
{
    static const char password[] = "ONEHOP_PASSWORD=";
    char *const *variables = caller->variables;
    for (; variables && *variables; variables++)
        if (strncmp(*variables, password, sizeof password - 1) == 0)
            explicit_bzero(*variables + sizeof password - 1,
                           strlen(*variables + sizeof password - 1));
}
