#include "config.h"
#include "config/keyring.h"

#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
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

/* Each object is asked for its address: the list of all in one answer would need a parser. GNOME
 * has the address as the provider writes it, which may be in other letters. */
static void add_token_script(struct str *out, const char *user)
{
    struct str wanted = {0};
    str_addf(&wanted, "s \"%s\"", user);
    for (size_t i = 0; i < wanted.len; i++)
        if (wanted.data[i] >= 'A' && wanted.data[i] <= 'Z')
            wanted.data[i] = (char)(wanted.data[i] + ('a' - 'A'));
    str_add(out, "g=org.gnome.OnlineAccounts\n"
                 "for o in $(busctl --user --list tree $g); do\n"
                 "case $o in */Accounts/*) ;; *) continue ;; esac\n"
                 "a=$(busctl --user get-property $g $o $g.Mail EmailAddress 2>/dev/null |\n"
                 "LC_ALL=C tr A-Z a-z)\n"
                 "[ \"$a\" =");
    add_quoted(out, str_text(&wanted));
    str_add(out, " ] && exec busctl --user call $g $o $g.OAuth2Based GetAccessToken\n"
                 "done\nexit 1");
    str_clear(&wanted);
}

/* Makes of ANSWER, `si "TOKEN" SECONDS`, the token. */
static bool take_token(struct str *answer, struct str *out)
{
    static const char begin[] = "si \"";
    const char *token = str_text(answer) + sizeof begin - 1;
    bool ok = strncmp(str_text(answer), begin, sizeof begin - 1) == 0;
    size_t len = ok ? strcspn(token, "\"\\ \r\n") : 0;
    ok = len > 0 && token[len] == '"';
    if (ok)
        str_add_n(out, token, len);
    return ok;
}

bool keyring_token(const struct account *account, int64_t deadline, struct str *out,
                   struct error *err)
{
    struct str script = {0}, answer = {.secret = true};
    struct error ignored; /* the programs have said why */
    add_token_script(&script, account->user);
    bool found = process_output(str_text(&script), deadline, ANSWER_MAX, &answer, &ignored) &&
                 take_token(&answer, out);
    str_clear(&script);
    str_clear(&answer);
    if (!found && clock_poll_timeout(deadline) == 0)
        return error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL,
                         "GNOME Online Accounts did not answer in time");
    return found ||
           error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL,
                     "GNOME Online Accounts gives no token for %s: log in there, and switch "
                     "Mail on (Settings, Online Accounts)",
                     account->user);
}
