#include "config.h"
#include "config/configuration.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fileread.h"
#include "base/memory.h"
#include "config/configfile.h"

static bool is_missing(int number)
{
    return number == ENOENT || number == ENOTDIR;
}

static bool read_providers(struct provider_table *table, const struct paths *paths,
                           struct error *err)
{
    struct str path = {0};
    str_addf(&path, "%s/providers.ini", paths->pkgdatadir);
    bool missing = access(str_text(&path), F_OK) != 0 && is_missing(errno);
    bool ok = missing || provider_read(table, str_text(&path), err);
    str_clear(&path);
    return ok;
}

/* An INI file begins with a section, or has nothing but comments. */
static bool is_ini(const struct str *text)
{
    const char *p = str_text(text);
    if (strncmp(p, "\xef\xbb\xbf", 3) == 0)
        p += 3;
    for (;;) {
        p += strspn(p, " \t\r\n");
        if (*p != ';' && *p != '#')
            return *p == '[' || (*p == '\0' && p == str_text(text) + text->len);
        p += strcspn(p, "\n");
    }
}

/* Whoever can write the file chooses the commands that are run and where the password goes. */
static bool check_owner(const struct configfile *file, const struct caller *caller,
                        const struct stat *facts, struct error *err)
{
    if (file->level == LEVEL_SYSTEM || facts->st_uid == caller->uid || facts->st_uid == 0)
        return true;
    return error_config(err, "%s: is owned by uid %ld, and must be by uid %ld: chown it",
                        file->path, (long)facts->st_uid, (long)caller->uid);
}

static bool check_secret(const struct configfile *file, const struct stat *facts, struct error *err)
{
    bool system = file->level == LEVEL_SYSTEM;
    mode_t mode = facts->st_mode & 07777;
    if (!file->secret_line || (mode & (system ? 007 : 077)) == 0)
        return true;
    return error_config(
        err,
        "%s:%d: a password in a file that others can read (mode %04o): chmod %s it, "
        "or use password_file",
        file->path, file->secret_line, (unsigned)mode, system ? "640" : "600");
}

/* Reads FILE in the kind of format it has. Sets *EXISTS; a file that does not is no error. */
static bool read_file(struct configfile *file, const struct caller *caller, bool *exists,
                      struct error *err)
{
    struct str text = {.secret = true}; /* it may hold passwords */
    struct stat facts;
    *exists = false;
    bool ok = fileread_all(file->path, CONFIGURATION_FILE_MAX, &text, &facts, err);
    if (!ok) {
        bool missing = is_missing(errno);
        str_clear(&text);
        return missing;
    }
    *exists = true;
    ok = check_owner(file, caller, &facts, err);
    if (ok && !is_ini(&text))
        ok = error_config(err,
                          "%s: is no INI file: it must begin with a section like "
                          "[account NAME], or a comment",
                          file->path);
    ok = ok && configfile_read(file, &text, err) && check_secret(file, &facts, err);
    str_clear(&text);
    return ok;
}

struct account *configuration_account(const struct configuration *config, const char *name)
{
    for (size_t i = 0; i < config->n; i++)
        if (strcmp(config->account[i]->name, name) == 0)
            return config->account[i];
    return NULL;
}

void configuration_add(struct configuration *config, struct account *account)
{
    if (config->n == config->size) {
        config->size = config->size ? 2 * config->size : 8;
        config->account = memory_resize(config->account, config->size, sizeof(struct account *));
    }
    config->account[config->n++] = account;
}

/* Moves the accounts of FILE behind those that are there, but for those that are hidden. */
static void add_accounts(struct configuration *config, struct configfile *file)
{
    for (size_t i = 0; i < file->n; i++) {
        struct account *account = file->account[i];
        if (configuration_account(config, account->name))
            account_free(account);
        else
            configuration_add(config, account);
    }
    file->n = 0;
}

/* The system's level first, so that the user's providers come later and win. */
static bool read_levels(struct configuration *config, const struct caller *caller,
                        bool user_is_explicit, struct error *err)
{
    struct configfile system = {.path = config->system_file,
                                .level = LEVEL_SYSTEM,
                                .home = "",
                                .providers = &config->providers,
                                .queue = &config->queue[LEVEL_SYSTEM],
                                .service = &config->service};
    struct configfile user = {.path = config->user_file,
                              .level = LEVEL_USER,
                              .home = caller->home,
                              .providers = &config->providers,
                              .queue = &config->queue[LEVEL_USER]};
    bool ok = read_file(&system, caller, &config->has_system, err) &&
              (!*user.path || read_file(&user, caller, &config->has_user, err));
    if (ok && user_is_explicit && !config->has_user)
        ok = error_config(err, "%s: there is no such file", user.path);
    if (ok) {
        add_accounts(config, &user);
        add_accounts(config, &system);
    }
    configfile_clear(&user);
    configfile_clear(&system);
    return ok;
}

static char *file_below(const char *directory)
{
    struct str path = {0};
    if (*directory)
        str_addf(&path, "%s/onehop/onehop.ini", directory);
    return str_take(&path);
}

void configuration_empty(struct configuration *config)
{
    *config = (struct configuration){0};
    for (size_t i = 0; i < sizeof config->queue / sizeof *config->queue; i++)
        key_fill(KEY_QUEUE, &config->queue[i]);
    key_fill(KEY_SERVICE, &config->service);
}

bool configuration_read(struct configuration *config, const struct paths *paths,
                        const struct caller *caller, const char *explicit_file, struct error *err)
{
    configuration_empty(config);
    config->system_file = file_below(paths->sysconfdir);
    config->user_file =
        explicit_file ? memory_copy(explicit_file) : file_below(caller->config_home);
    if (!read_providers(&config->providers, paths, err) ||
        !read_levels(config, caller, explicit_file != NULL, err)) {
        configuration_clear(config);
        return false;
    }
    if (config->has_user)
        str_addf(&config->files, "%s\n", config->user_file);
    if (config->has_system)
        str_addf(&config->files, "%s\n", config->system_file);
    struct error ignored; /* complained of when the account is chosen */
    for (size_t i = 0; i < config->n; i++)
        (void)provider_complete(&config->providers, config->account[i], &ignored);
    return true;
}

void configuration_clear(struct configuration *config)
{
    for (size_t i = 0; i < config->n; i++)
        account_free(config->account[i]);
    free(config->account);
    provider_table_clear(&config->providers);
    for (size_t i = 0; i < sizeof config->queue / sizeof *config->queue; i++)
        key_clear(KEY_QUEUE, &config->queue[i]);
    key_clear(KEY_SERVICE, &config->service);
    str_clear(&config->files);
    free(config->user_file);
    free(config->system_file);
    *config = (struct configuration){0};
}
