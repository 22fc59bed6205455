#include "config.h"
#include "config/password.h"

#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/fileread.h"
#include "base/process.h"
#include "base/translation.h"
#include "config/keyring.h"
#include "config/netrc.h"
#include "config/ownership.h"
#include "config/tokensource.h"

enum answer { NO, FOUND, FAILED };

/* Cuts SECRET behind its first line. False, with an error, if that leaves nothing or no text. */
static bool first_line(struct str *secret, const char *origin, struct error *err)
{
    size_t len = strcspn(str_text(secret), "\r\n");
    bool has_nul = len < secret->len && secret->data[len] == '\0';
    str_truncate(secret, len);
    if (has_nul)
        return error_config(err, "%s: a NUL byte in the password", origin);
    if (len == 0)
        return error_config(err, "%s: the first line is empty, where the password should be",
                            origin);
    return true;
}

static bool check_mode(const char *path, const struct stat *facts, struct error *err)
{
    mode_t mode = facts->st_mode & 07777;
    if ((mode & 077) == 0 || ownership_is_read_only(path))
        return true;
    return error_config(err, "%s: a password that others can read (mode %04o): chmod 600 it", path,
                        (unsigned)mode);
}

/* The owner of the file knows the password, and can change which one is sent to the provider. */
static bool check_owner(const char *path, const struct stat *facts, const struct caller *caller,
                        struct error *err)
{
    uid_t owner = facts->st_uid;
    if (owner == caller->uid || ownership_is_trusted(owner) || ownership_is_read_only(path))
        return true;
    return error_config(err, "%s: a password file of uid %ld, and it must be of uid %ld: chown it",
                        path, (long)owner, (long)caller->uid);
}

/* The modes of a credential are not checked: systemd or the container runtime chose them, and with
 * an ACL they show a group that is none. */
static bool read_password_file(const struct account *account,
                               const struct password_sources *sources, struct str *out,
                               struct error *err)
{
    const char *name = account->password_file;
    bool credential = !strchr(name, '/');
    struct str path = {0};
    caller_secret_path(&path, &sources->site->caller, name);
    struct stat facts;
    bool readable = fileread_all(str_text(&path), PASSWORD_MAX, out, &facts, err);
    bool ok = readable &&
              (credential || (check_owner(str_text(&path), &facts, &sources->site->caller, err) &&
                              check_mode(str_text(&path), &facts, err))) &&
              first_line(out, str_text(&path), err);
    if (!readable) { /* by this caller, now: no fault of the message or the command line */
        err->class = ERROR_TEMPORARY;
        err->code = EX_TEMPFAIL;
        error_prefix(err, "password_file");
        if (credential)
            error_add(err, "; ",
                      "a name without / is a container's secret, or a systemd credential: write a "
                      "full path, or LoadCredential=%s:PATH in the unit",
                      name);
    }
    str_clear(&path);
    return ok;
}

static bool run_password_command(const struct account *account,
                                 const struct password_sources *sources, struct str *out,
                                 struct error *err)
{
    if (!process_output(account->password_command, sources->deadline, PASSWORD_MAX, out, err))
        return error_prefix(err, "password_command");
    if (first_line(out, account->password_command, err))
        return true;
    err->class = ERROR_TEMPORARY; /* what it prints today it need not print tomorrow */
    err->code = EX_TEMPFAIL;
    return error_prefix(err, "password_command");
}

/* Looks for one of the account's hosts, or its socket, in the netrc file PATH. One that cannot be
 * opened is as good as none: it belongs to other programs. */
static enum answer look_into(const char *path, const struct account *account, uid_t uid,
                             struct str *out, struct error *err)
{
    struct str text = {.secret = true};
    struct stat facts;
    enum answer answer = NO;
    if (fileread_all(path, NETRC_FILE_MAX, &text, &facts, err)) {
        const char *data = str_text(&text);
        bool found =
            *account->socket && netrc_find(data, text.len, account->socket, account->user, out);
        for (size_t i = 0; !found && i < account->host.n; i++)
            found = netrc_find(data, text.len, account->host.item[i], account->user, out);
        bool usable = found && first_line(out, path, err) &&
                      ownership_check(path, &facts, uid, err) &&
                      (account->as_msmtp || check_mode(path, &facts, err));
        if (found)
            answer = usable ? FOUND : FAILED;
    } else if (err->class == ERROR_TEMPORARY) {
        answer = FAILED;
    }
    str_clear(&text);
    return answer;
}

static enum answer ask_netrc(const struct account *account, const struct password_sources *sources,
                             struct str *out, struct error *err)
{
    enum answer answer = NO;
    struct str path = {0};
    if (!*account->user)
        return NO;
    if (*sources->site->caller.home) {
        str_addf(&path, "%s/.netrc", sources->site->caller.home);
        answer = look_into(str_text(&path), account, sources->site->caller.uid, out, err);
    }
    if (answer == NO) {
        str_truncate(&path, 0);
        str_addf(&path, "%s/netrc", sources->site->paths->sysconfdir);
        answer = look_into(str_text(&path), account, sources->site->caller.uid, out, err);
    }
    str_clear(&path);
    return answer;
}

static const char *server(const struct account *account)
{
    return account->host.n > 0 ? account->host.item[0] : account->socket;
}

static bool ask_terminal(const struct account *account, const struct password_sources *sources,
                         struct str *out)
{
    if (!sources->ask)
        return false;
    struct str prompt = {0};
    str_addf(&prompt, _("password for %s at %s: "), account->user, server(account));
    bool answered = sources->ask(sources->context, str_text(&prompt), out);
    str_clear(&prompt);
    return answered;
}

static bool find(const struct account *account, const struct password_sources *sources,
                 struct str *out, struct error *err)
{
    if (account_has_oauth(account))
        return tokensource_find(account, sources, out, err);
    if (account->keyring == KEYRING_GOA)
        return keyring_token(account, sources->deadline, out, err);
    if (account->password.len > 0) {
        str_add_n(out, str_text(&account->password), account->password.len);
        return true;
    }
    if (*account->password_file)
        return read_password_file(account, sources, out, err);
    if (*account->password_command)
        return run_password_command(account, sources, out, err);
    enum answer answer = ask_netrc(account, sources, out, err);
    if (answer != NO)
        return answer == FOUND;
    if (keyring_find(account, &sources->site->caller, server(account), sources->deadline, out) ||
        ask_terminal(account, sources, out))
        return true;
    return error_config(err,
                        "no password for '%s' at %s: add `password_file = PATH` or "
                        "`password_command = COMMAND` (or `password = ...`), or an entry to "
                        "~/.netrc",
                        account->user, server(account));
}

bool password_find(const struct account *account, const struct password_sources *sources,
                   struct str *out, struct error *err)
{
    out->secret = true;
    str_clear(out);
    if (sources->elsewhere) /* which prefixes its errors */
        return sources->ask_elsewhere(sources->elsewhere, sources, out, err);
    if (find(account, sources, out, err))
        return true;
    str_clear(out);
    error_prefix(err, "account %s", account->name);
    return err->class == ERROR_PERMANENT && err->code == EX_CONFIG && account_locate(account, err);
}
