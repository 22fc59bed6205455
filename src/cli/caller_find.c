#include "config.h"
#include "cli/caller_find.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fileread.h"
#include "config/ownership.h"
#include "cli/environment.h"

/* One that cannot be looked at now (EIO, ENOMEM) is not passed over: what is in it cannot be read
 * either, and that is reported. */
static bool is_own_directory(const char *path, uid_t uid)
{
    struct stat facts;
    if (path[0] != '/')
        return false;
    if (stat(path, &facts) != 0)
        return !fileread_is_about_file(errno);
    return S_ISDIR(facts.st_mode) && facts.st_uid == uid && !ownership_is_shared(&facts);
}

static void find_home(struct str *out, const struct passwd *entry, uid_t uid)
{
    const char *home = environment_get("HOME");
    if (is_own_directory(home, uid))
        str_add(out, home);
    else if (entry && is_own_directory(entry->pw_dir, uid))
        str_add(out, entry->pw_dir);
}

/* True if PATH is missing, and the nearest directory above it that is there is the caller's. */
static bool can_be_made(const char *path, uid_t uid)
{
    struct str above = {0};
    struct stat facts;
    str_add(&above, path);
    while (above.len > 1 && lstat(str_text(&above), &facts) != 0 && errno == ENOENT) {
        while (above.len > 0 && above.data[above.len - 1] == '/')
            str_truncate(&above, above.len - 1);
        while (above.len > 1 && above.data[above.len - 1] != '/')
            str_truncate(&above, above.len - 1);
    }
    bool can = above.len < strlen(path) && is_own_directory(str_text(&above), uid);
    str_clear(&above);
    return can;
}

static bool find_xdg(struct str *out, const char *variable, uid_t uid)
{
    const char *path = environment_get(variable);
    if (is_own_directory(path, uid))
        str_add(out, path);
    return out->len > 0;
}

static void find_directories(struct caller_storage *storage, uid_t uid)
{
    const char *state = environment_get("XDG_STATE_HOME");
    const char *home = str_text(&storage->home);
    if (!find_xdg(&storage->config_home, "XDG_CONFIG_HOME", uid) && *home)
        str_addf(&storage->config_home, "%s/.config", home);
    if (find_xdg(&storage->state_home, "XDG_STATE_HOME", uid))
        return;
    if (*state == '/' && can_be_made(state, uid))
        str_add(&storage->state_home, state);
    else if (*home)
        str_addf(&storage->state_home, "%s/.local/state", home);
}

/* In GECOS '&' means the login name, capitalised. */
static void find_full_name(struct str *out, const struct passwd *entry)
{
    for (const char *c = entry->pw_gecos; c && *c && *c != ','; c++) {
        if (*c == '&') {
            size_t start = out->len;
            str_add(out, entry->pw_name);
            if (out->len > start && out->data[start] >= 'a' && out->data[start] <= 'z')
                out->data[start] += 'A' - 'a';
        } else if ((unsigned char)*c >= ' ' && *c != 127) {
            str_add_char(out, *c);
        }
    }
}

static void find_names(struct caller_storage *storage, const struct passwd *entry, uid_t uid)
{
    if (entry) {
        str_add(&storage->name, entry->pw_name);
        find_full_name(&storage->full_name, entry);
    } else {
        str_addf(&storage->name, "%lu", (unsigned long)uid);
    }
}

/* As msmtp does. */
static void find_user(struct str *out, const char *name)
{
    const char *user = environment_get("USER");
    if (!*user)
        user = environment_get("LOGNAME");
    const char *login = *user ? user : getlogin();
    str_add(out, login && *login ? login : name);
}

static bool has_session(void)
{
    return *environment_get("DBUS_SESSION_BUS_ADDRESS") || *environment_get("XDG_RUNTIME_DIR");
}

static void show(struct caller *caller, const struct caller_storage *storage, uid_t uid)
{
    *caller = (struct caller){
        .uid = uid,
        .name = str_text(&storage->name),
        .full_name = str_text(&storage->full_name),
        .home = str_text(&storage->home),
        .config_home = str_text(&storage->config_home),
        .state_home = str_text(&storage->state_home),
        .user = str_text(&storage->user),
        .host = "",
        .credentials = "",
        .path = "",
    };
}

void caller_find_peer(struct caller *caller, struct caller_storage *storage, uid_t uid)
{
    find_names(storage, uid == (uid_t)-1 ? NULL : getpwuid(uid), uid);
    if (uid == (uid_t)-1) {
        str_truncate(&storage->name, 0);
        str_add(&storage->name, "nobody");
    }
    str_add(&storage->user, str_text(&storage->name));
    show(caller, storage, uid);
}

void caller_find(struct caller *caller, struct caller_storage *storage)
{
    uid_t uid = getuid();
    const struct passwd *entry = getpwuid(uid);
    find_names(storage, entry, uid);
    find_home(&storage->home, entry, uid);
    find_directories(storage, uid);
    find_user(&storage->user, str_text(&storage->name));
    show(caller, storage, uid);
    caller->host = environment_get("HOSTNAME");
    caller->credentials = environment_get("CREDENTIALS_DIRECTORY");
    caller->path = environment_get("PATH");
    caller->variables = environment_all();
    caller->has_session = has_session();
}
