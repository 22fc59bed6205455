#include "config.h"
#include "compat/foreign.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fileread.h"
#include "base/memory.h"

struct account *foreign_add(struct foreign *foreign, const char *name, const char *path)
{
    struct account *account = account_new(name, SCOPE_USER);
    memory_replace(&account->file, path);
    configuration_add(foreign->accounts, account);
    if (!foreign->first)
        foreign->first = account;
    return account;
}

void foreign_set(struct foreign *foreign, struct account *account, const char *key,
                 const char *value)
{
    struct error err;
    if (account_set(account, key, value, "", &err))
        return;
    strlist_add(foreign->remarks, err.text);
}

void foreign_set_host(struct foreign *foreign, struct account *account, const char *text)
{
    const char *colon = strrchr(text, ':');
    bool bracket = text[0] == '[' && strchr(text, ']');
    if (colon && ((bracket && colon[-1] != ']') || (!bracket && strchr(text, ':') != colon)))
        colon = NULL; /* an IPv6 address without a port */
    size_t len = colon ? (size_t)(colon - text) : strlen(text);
    char *host =
        bracket ? memory_copy_n(text + 1, strcspn(text, "]") - 1) : memory_copy_n(text, len);
    foreign_set(foreign, account, "host", host);
    foreign_set(foreign, account, "port", colon ? colon + 1 : "25");
    free(host);
}

bool foreign_read_beside(const char *path, const char *name, struct str *out, struct error *err)
{
    struct str file = {0};
    const char *slash = strrchr(path, '/');
    if (*name == '/')
        str_add(&file, name);
    else
        str_addf(&file, "%.*s%s", slash ? (int)(slash - path + 1) : 0, path, name);
    errno = 0;
    bool ok = fileread_all(str_text(&file), FOREIGN_FILE_MAX, out, NULL, err) || errno == ENOENT ||
              errno == ENOTDIR;
    str_clear(&file);
    return ok;
}

void foreign_lines(const struct str *text, void (*take)(void *context, char *line), void *context)
{
    const char *at = str_text(text);
    while (*at) {
        size_t len = strcspn(at, "\n"), blanks = strspn(at, " \t\r");
        size_t end = len;
        while (end > blanks && strchr(" \t\r", at[end - 1]))
            end--;
        if (blanks < end && at[blanks] != '#') {
            struct str line = {.secret = true};
            str_add_n(&line, at + blanks, end - blanks);
            take(context, line.data);
            str_clear(&line);
        }
        at += len + (at[len] == '\n');
    }
}
