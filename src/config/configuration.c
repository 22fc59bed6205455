#include "config.h"
#include "config/configuration.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/fileread.h"
#include "base/memory.h"
#include "config/configfile.h"
#include "config/ownership.h"
#include "config/variables.h"

/* Where files are looked for, and for whom. */
struct lookup {
    const struct paths *paths;
    const struct caller *caller;
    const char *explicit_file; /* NULL: none */
};

static bool read_providers(struct provider_table *table, const struct paths *paths,
                           struct error *err)
{
    struct str path = {0};
    str_addf(&path, "%s/providers.ini", paths->pkgdatadir);
    bool missing = access(str_text(&path), F_OK) != 0 && fileread_is_missing(errno);
    bool ok = missing || provider_open(table, str_text(&path), err);
    str_clear(&path);
    return ok;
}

/* An INI file begins with a section, or has nothing but comments; `key = value` in front of the
 * first section is a slip in one, and nothing that an msmtprc could mean. */
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

static bool is_assignment(const struct str *text)
{
    const char *p = str_text(text);
    p += strspn(p, " \t\r\n");
    p += strcspn(p, " \t=\r\n");
    p += strspn(p, " \t");
    return *p == '=';
}

static bool check_secret(const struct configfile *file, const struct stat *facts, struct error *err)
{
    bool system = file->scope == SCOPE_SYSTEM;
    mode_t mode = facts->st_mode & 07777;
    if (!file->secret_line || (mode & (system ? 007 : 077)) == 0 ||
        ownership_is_read_only(file->path))
        return true;
    return error_config(
        err,
        "%s:%d: a password in a file that others can read (mode %04o): chmod %s it, "
        "or use password_file",
        file->path, file->secret_line, (unsigned)mode, system ? "640" : "600");
}

enum form { FORM_INI, FORM_MSMTPRC, FORM_EITHER };

struct candidate { /* a file to look at, and what came of it */
    char *path;
    enum form form;
    int number; /* errno of opening it, 0: it was read */
};

static bool read_as_ini(struct configfile *file, const struct str *text, const struct stat *facts,
                        struct error *err)
{
    if (!is_ini(text))
        return error_config(err,
                            "%s: is no INI file: it must begin with a section like "
                            "[account NAME], or a comment",
                            file->path);
    return configfile_read(file, text, err) && check_secret(file, facts, err);
}

/* Reads FILE; one that does not exist is no error. */
static bool read_file(struct configfile *file, const struct lookup *lookup,
                      struct candidate *candidate, struct error *err)
{
    struct str text = {.secret = true}; /* it may hold passwords */
    struct stat facts;
    errno = 0;
    bool ok = fileread_all(file->path, CONFIGURATION_FILE_MAX, &text, &facts, err);
    if (!ok) {
        candidate->number = errno ? errno : EIO;
        str_clear(&text);
        return fileread_is_missing(candidate->number);
    }
    bool ini = candidate->form == FORM_INI;
    if (candidate->form == FORM_EITHER)
        ini = is_ini(&text) || is_assignment(&text);
    /* A user who can write the file chooses the commands that are run and where passwords are sent.
     */
    uid_t uid = lookup->caller->uid;
    if (file->scope == SCOPE_USER && !ownership_check(file->path, &facts, uid, err))
        ok = false;
    else if (ini)
        ok = read_as_ini(file, &text, &facts, err);
    else
        ok = lookup->paths->read_msmtprc(file, &text, &facts, uid, err);
    str_clear(&text);
    return ok;
}

const struct account *configuration_account(const struct configuration *config, const char *name)
{
    for (size_t i = 0; i < config->n; i++)
        if (strcmp(config->account[i]->name, name) == 0)
            return config->account[i];
    return NULL;
}

const struct account *configuration_sole(const struct configuration *config,
                                         enum account_scope scope)
{
    const struct account *only = NULL;
    for (size_t i = 0; i < config->n; i++) {
        if (config->account[i]->scope != scope)
            continue;
        if (only)
            return NULL;
        only = config->account[i];
    }
    return only;
}

static void add(struct configuration *config, struct account *account)
{
    config->account =
        memory_grow(config->account, config->n, &config->size, sizeof *config->account);
    config->account[config->n++] = account;
}

const struct account *configuration_describe(struct configuration *config, const char *host,
                                             const char *from, struct error *err)
{
    struct account *account = account_new_msmtp("", SCOPE_COMMAND_LINE);
    if (account_set(account, "host", host, "", err) &&
        (!*from || account_set(account, "from", from, "", err))) {
        add(config, account);
        return account;
    }
    account_free(account);
    return NULL;
}

/* Moves the accounts of FILE behind those that are there, but for those that are hidden. */
static void add_accounts(struct configuration *config, struct configfile *file)
{
    for (size_t i = 0; i < file->n; i++) {
        struct account *account = file->account[i];
        if (configuration_account(config, account->name)) {
            account_free(account);
            continue;
        }
        provider_complete(&config->providers, account);
        add(config, account);
    }
    file->n = 0;
}

/* The files of one scope, in the order in which they are looked at. */
struct candidates {
    struct candidate item[2];
    size_t n;
};

static void add_candidate(struct candidates *c, enum form form, const char *directory,
                          const char *name)
{
    struct str path = {0};
    if (!*directory)
        return;
    str_addf(&path, "%s/%s", directory, name);
    c->item[c->n++] = (struct candidate){.path = str_take(&path), .form = form};
}

/* ~/.msmtprc, or where the XDG specification wants it if only that is there. */
static void add_user_msmtprc(struct candidates *c, const struct caller *caller)
{
    struct str old = {0}, new = {0};
    str_addf(&old, "%s/.msmtprc", caller->home);
    str_addf(&new, "%s/msmtp/config", caller->config_home);
    if (*caller->config_home && access(str_text(&old), F_OK) != 0 &&
        access(str_text(&new), F_OK) == 0)
        add_candidate(c, FORM_MSMTPRC, caller->config_home, "msmtp/config");
    else
        add_candidate(c, FORM_MSMTPRC, caller->home, ".msmtprc");
    str_clear(&old);
    str_clear(&new);
}

static void find_candidates(struct candidates *c, enum account_scope scope,
                            const struct lookup *lookup)
{
    const char *sysconfdir = lookup->paths->sysconfdir;
    *c = (struct candidates){.n = 0};
    if (scope == SCOPE_USER && lookup->explicit_file) {
        c->item[c->n++] =
            (struct candidate){.path = memory_copy(lookup->explicit_file), .form = FORM_EITHER};
        return;
    }
    if (scope == SCOPE_USER) {
        add_candidate(c, FORM_INI, lookup->caller->config_home, "onehop/onehop.ini");
        add_user_msmtprc(c, lookup->caller);
    } else {
        add_candidate(c, FORM_INI, sysconfdir, "onehop/onehop.ini");
        add_candidate(c, FORM_MSMTPRC, sysconfdir, "msmtprc");
    }
    if (lookup->caller->as_msmtp && c->n == 2) {
        struct candidate first = c->item[0];
        c->item[0] = c->item[1];
        c->item[1] = first;
    }
}

static void clear_candidates(struct candidates *c)
{
    for (size_t i = 0; i < c->n; i++)
        free(c->item[i].path);
}

/* The system's msmtprc is often there for another program: a user with an account need not be able
 * to read it, and this program may have been built without its reader. */
static bool is_spared(const struct configfile *file, const struct candidate *candidate,
                      const struct error *err)
{
    bool unreadable = candidate->number == EACCES || candidate->number == EPERM;
    return file->scope == SCOPE_SYSTEM && candidate->form == FORM_MSMTPRC &&
           (unreadable || err->code == EX_UNAVAILABLE);
}

/* Reads the first file of a scope, and the second if that had no account, into FILE. */
static bool read_scope(struct configuration *config, const struct lookup *lookup,
                       struct configfile *file, struct error *err)
{
    struct found_file *found = &config->found[file->scope];
    struct candidates c;
    struct str files = {0};
    bool ok = true;
    find_candidates(&c, file->scope, lookup);
    for (size_t i = 0; ok && i < c.n && file->n == 0; i++) {
        file->path = c.item[i].path;
        ok = read_file(file, lookup, &c.item[i], err);
        if (i == 0 || c.item[i].number == 0 || !ok) {
            memory_replace(&found->path, file->path);
            found->number = c.item[i].number;
        }
        if (ok && c.item[i].number == 0) {
            str_addf(&files, "%s\n", file->path);
            found->exists = true;
        } else if (!ok && is_spared(file, &c.item[i], err)) {
            free(found->failure);
            found->failure = error_copy(err);
            ok = true;
        }
    }
    str_add(&files,
            str_text(&config->files)); /* the user's, which are read last, are shown first */
    str_clear(&config->files);
    config->files = files;
    clear_candidates(&c);
    return ok;
}

/* Without an account, what is missing is in the file that was passed over. */
static bool check_spared(const struct configuration *config, struct error *err)
{
    const struct found_file *found = &config->found[SCOPE_SYSTEM];
    if (!found->failure || config->n > 0)
        return true;
    *err = *found->failure;
    err->code = found->number ? EX_CONFIG : EX_UNAVAILABLE; /* without a number the file is good */
    return false;
}

/* A container has no file. */
static bool add_variables(struct configuration *config, const struct caller *caller,
                          struct error *err)
{
    struct account *account;
    if (!variables_account(&account, caller, err))
        return false;
    if (account) {
        provider_complete(&config->providers, account);
        add(config, account);
    }
    return true;
}

/* The system's scope first, so that the user's providers come later and win. */
static bool read_scopes(struct configuration *config, const struct lookup *lookup,
                        struct error *err)
{
    const char *explicit_file = lookup->explicit_file;
    struct configfile system = {.scope = SCOPE_SYSTEM,
                                .home = "",
                                .providers = &config->providers,
                                .queue = &config->queue[SCOPE_SYSTEM],
                                .service = &config->service};
    struct configfile user = {.scope = SCOPE_USER,
                              .home = lookup->caller->home,
                              .providers = &config->providers,
                              .queue = &config->queue[SCOPE_USER]};
    bool ok = read_scope(config, lookup, &system, err) && read_scope(config, lookup, &user, err);
    if (ok && explicit_file && !config->found[SCOPE_USER].exists)
        ok = error_config(err, "%s: there is no such file", explicit_file);
    if (ok) {
        add_accounts(config, &user);
        add_accounts(config, &system);
        ok = check_spared(config, err) &&
             (config->n > 0 || explicit_file || add_variables(config, lookup->caller, err));
    }
    configfile_clear(&user);
    configfile_clear(&system);
    return ok;
}

/* The time of change, and not of modification: a mode that was corrected is a change, too. */
void configuration_look_at(struct str *out, const char *path)
{
    struct stat facts;
    if (stat(path, &facts) != 0)
        facts = (struct stat){0};
    str_addf(out, "%ju:%ju %jd %jd.%09ld\n", (uintmax_t)facts.st_dev, (uintmax_t)facts.st_ino,
             (intmax_t)facts.st_size, (intmax_t)facts.st_ctim.tv_sec, facts.st_ctim.tv_nsec);
}

void configuration_look(struct str *out, const struct paths *paths, const struct caller *caller)
{
    static const enum account_scope scopes[] = {SCOPE_USER, SCOPE_SYSTEM};
    const struct lookup lookup = {paths, caller, NULL};
    struct str providers = {0};
    str_addf(&providers, "%s/providers.ini", paths->pkgdatadir);
    configuration_look_at(out, str_text(&providers));
    str_clear(&providers);
    for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++) {
        struct candidates c;
        find_candidates(&c, scopes[i], &lookup);
        for (size_t k = 0; k < c.n; k++)
            configuration_look_at(out, c.item[k].path);
        clear_candidates(&c);
    }
}

void configuration_empty(struct configuration *config)
{
    *config = (struct configuration){0};
    for (size_t i = 0; i < SCOPES; i++) {
        key_fill(KEY_QUEUE, &config->queue[i]);
        config->found[i].path = memory_copy("");
    }
    key_fill(KEY_SERVICE, &config->service);
}

bool configuration_read(struct configuration *config, const struct paths *paths,
                        const struct caller *caller, const char *explicit_file, struct error *err)
{
    const struct lookup lookup = {paths, caller, explicit_file};
    configuration_empty(config);
    if (!read_providers(&config->providers, paths, err) || !read_scopes(config, &lookup, err)) {
        configuration_clear(config);
        return false;
    }
    return true;
}

void configuration_wipe_passwords(const struct configuration *config)
{
    for (size_t i = 0; i < config->n; i++) {
        const struct str *password = &config->account[i]->password;
        if (password->len > 0)
            explicit_bzero(password->data, password->len);
    }
}

void configuration_clear(struct configuration *config)
{
    for (size_t i = 0; i < config->n; i++)
        account_free((struct account *)config->account[i]);
    free(config->account);
    provider_table_clear(&config->providers);
    for (size_t i = 0; i < SCOPES; i++) {
        key_clear(KEY_QUEUE, &config->queue[i]);
        free(config->found[i].path);
        free(config->found[i].failure);
    }
    key_clear(KEY_SERVICE, &config->service);
    str_clear(&config->files);
    *config = (struct configuration){0};
}
