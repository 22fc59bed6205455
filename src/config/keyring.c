#include "config.h"
#include "config/keyring.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/process.h"

enum { ANSWER_MAX = 65536 };

/* For sh(1): between single quotes nothing has a meaning but the quote itself. */
static void add_quoted(struct str *out, const char *text)
{
    str_add(out, " '");
    for (; *text; text++)
        if (*text == '\'')
            str_add(out, "'\\''");
        else
            str_add_char(out, *text);
    str_add(out, "'");
}

static bool is_in_path(const char *path, const char *program)
{
    struct str file = {0};
    bool found = false;
    while (*path && !found) {
        size_t len = strcspn(path, ":");
        str_truncate(&file, 0);
        str_add_n(&file, path, len);
        str_addf(&file, "/%s", program);
        found = *path == '/' && access(str_text(&file), X_OK) == 0;
        path += len + (path[len] == ':');
    }
    str_clear(&file);
    return found;
}

static bool make_command(const struct account *account, const struct caller *caller,
                         const char *server, struct str *out)
{
    struct str entry = {0};
    switch (account->keyring) {
    case KEYRING_PASS:
        str_addf(&entry, "%s/%s", server, account->user);
        str_add(out, "pass show");
        add_quoted(out, str_text(&entry));
        str_clear(&entry);
        return true;
    case KEYRING_AUTO:
        if (!caller->has_session || !is_in_path(caller->path, "secret-tool"))
            return false;
        break;
    case KEYRING_SECRET_TOOL:
        break;
    default:
        return false;
    }
    str_add(out, "secret-tool lookup host");
    add_quoted(out, server);
    str_add(out, " service smtp user");
    add_quoted(out, account->user);
    return true;
}

bool keyring_find(const struct account *account, const struct caller *caller, const char *server,
                  int64_t deadline, struct str *out)
{
    struct str command = {0};
    struct error ignored; /* the next source may have it */
    bool found = account->scope != SCOPE_SYSTEM && *account->user &&
                 make_command(account, caller, server, &command) &&
                 process_output(str_text(&command), deadline, ANSWER_MAX, out, &ignored) &&
                 strcspn(str_text(out), "\r\n") > 0;
    if (found)
        str_truncate(out, strcspn(str_text(out), "\r\n"));
    else
        str_clear(out);
    str_clear(&command);
    return found;
}
