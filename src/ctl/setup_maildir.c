#include "config.h"
#include "ctl/setup_maildir.h"

#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/fileread.h"
#include "base/memory.h"
#include "config/iniwriter.h"
#include "ctl/units.h"

enum { DROP_IN_MAX = 4096 };

static const char system_path[] = "/var/mail/root", user_path[] = "~/Maildir";

/* ReadWritePaths of the unit has it. */
static const char of_the_unit[] = "/var/mail/";

static bool begins_with(const char *path, const char *directory)
{
    return strncmp(path, directory, strlen(directory)) == 0;
}

static bool same_path(const char *a, const char *b)
{
    size_t len = strlen(a), other = strlen(b);
    while (len > 1 && a[len - 1] == '/')
        len--;
    while (other > 1 && b[other - 1] == '/')
        other--;
    return len == other && memcmp(a, b, len) == 0;
}

/* The account's own path has "~" replaced. */
static bool is_wanted(const struct account *account, const char *path, const char *home)
{
    struct str whole = {0};
    str_addf(&whole, "%s%s", begins_with(path, "~/") ? home : "", path + (*path == '~'));
    bool same = account->protocol == PROTOCOL_MAILDIR &&
                (!*path || same_path(account->maildir, str_text(&whole)));
    str_clear(&whole);
    return same;
}

static bool is_alone(const struct site *site, const struct setup_answers *answers,
                     const struct account *there, struct error *err)
{
    for (size_t i = 0; i < site->config.n; i++) {
        const struct account *a = site->config.account[i];
        if (a != there && a->scope == (answers->system ? SCOPE_SYSTEM : SCOPE_USER))
            return error_set(err, ERROR_ACCOUNT, ERROR_PERMANENT, EX_CANTCREAT,
                             "%s:%d: account %s is there already: onehop.ini(5) says how to add "
                             "one that keeps mail; nothing was changed",
                             a->file, a->line, a->name);
    }
    return true;
}

bool setup_maildir_choose(struct setup_answers *answers, const struct site *site,
                          const struct account *there, bool *kept, struct error *err)
{
    *kept = there && is_wanted(there, answers->maildir, site->caller.home);
    if (!is_alone(site, answers, *kept ? there : NULL, err))
        return false;
    if (*kept) { /* the configuration is read again */
        strlist_add(&answers->text, there->maildir);
        answers->maildir = answers->text.item[answers->text.n - 1];
    } else if (!*answers->maildir) {
        answers->maildir = answers->system ? system_path : user_path;
    }
    answers->address = answers->system ? "root" : site->caller.name;
    if (answers->maildir[0] == '/' || (!answers->system && begins_with(answers->maildir, "~/")))
        return true;
    return error_usage(err, "--maildir takes a full path, such as %s",
                       answers->system ? system_path : user_path);
}

bool setup_maildir_add(const struct setup_answers *answers, struct str *text, struct error *err)
{
    str_addf(text, "[account %s]\nprotocol = maildir\n", SETUP_MAILDIR_ACCOUNT);
    return iniwriter_line(key_find(KEY_ACCOUNT, "maildir"), answers->maildir, text, err);
}

/* The sandbox of the unit: these are empty for it, whatever ReadWritePaths says, or its own. */
static bool is_visible(const char *path, struct error *err)
{
    static const char *const hidden[] = {"/home/", "/root/", "/run/user/", "/tmp/", "/var/tmp/"};
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
        if (begins_with(path, hidden[i]))
            return error_usage(err,
                               "--maildir: the service sees nothing below %s: name another place, "
                               "such as %s",
                               hidden[i], system_path);
    /* A unit has escapes, specifiers and quotes. */
    if (strspn(path, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-+@") !=
        strlen(path))
        return error_usage(err, "--maildir: name a path of letters, digits and / . _ - + @");
    return true;
}

static bool write_drop_in(struct setup_maildir *maildir, const struct site *site, const char *path,
                          struct error *err)
{
    const struct setup_owner open = {(uid_t)-1, (gid_t)-1, 0755};
    const struct setup_owner file = {(uid_t)-1, (gid_t)-1, 0644};
    bool ok = true;
    struct str directory = {0}, text = {0}, fresh = {0}, old = {0};
    struct error ignored; /* there is none */
    str_addf(&directory, "%s/systemd/system/onehop.service.d", site->paths->sysconfdir);
    str_addf(&maildir->drop_in, "%s/maildir.conf", str_text(&directory));
    str_addf(&fresh, "%s.new", str_text(&maildir->drop_in));
    str_addf(&text, "# Written by onehopctl setup --maildir\n[Service]\nReadWritePaths=-%s\n",
             path);
    if (fileread_all(str_text(&maildir->drop_in), DROP_IN_MAX, &old, NULL, &ignored) &&
        strcmp(str_text(&old), str_text(&text)) == 0) {
        str_clear(&maildir->drop_in); /* nothing was made */
        goto out;
    }
    (void)unlink(str_text(&fresh)); /* of a setup that was interrupted */
    ok = setup_file_directory(str_text(&directory), &open, err) &&
         setup_file_write(str_text(&fresh), &text, &file, err) &&
         setup_file_move(str_text(&fresh), str_text(&maildir->drop_in), err);
out:
    str_clear(&old);
    str_clear(&directory);
    str_clear(&text);
    str_clear(&fresh);
    return ok;
}

/* What is above it is root's, and everybody's to pass. */
static bool make_directory(struct setup_maildir *maildir, const char *path,
                           const struct setup_owner *owner, struct error *err)
{
    struct stat facts;
    if (stat(path, &facts) == 0)
        return S_ISDIR(facts.st_mode) ||
               error_set(err, ERROR_ACCOUNT, ERROR_PERMANENT, EX_CANTCREAT,
                         "%s is not a directory: move it away, or name another place: "
                         "onehopctl setup --maildir PATH",
                         path);
    const struct setup_owner open = {(uid_t)-1, (gid_t)-1, 0755};
    char *copy = memory_copy(path);
    bool ok =
        setup_file_directory(dirname(copy), &open, err) && setup_file_directory(path, owner, err);
    maildir->made = ok;
    free(copy);
    return ok;
}

bool setup_maildir_make(struct setup_maildir *maildir, const struct site *site, const char *path,
                        const struct setup_owner *owner, struct error *err)
{
    bool sandboxed = units_are_here() && !begins_with(path, of_the_unit);
    if (sandboxed && !is_visible(path, err))
        return false;
    return make_directory(maildir, path, owner, err) &&
           (!sandboxed || write_drop_in(maildir, site, path, err));
}

void setup_maildir_undo(const struct setup_maildir *maildir, const char *path)
{
    static const char *const parts[] = {"/new", "/cur", "/tmp", ""};
    struct str name = {0};
    if (maildir->drop_in.len > 0)
        (void)unlink(str_text(&maildir->drop_in)); /* it may not be there */
    for (size_t i = 0; maildir->made && i < sizeof parts / sizeof *parts; i++) {
        str_truncate(&name, 0);
        str_addf(&name, "%s%s", path, parts[i]);
        (void)rmdir(str_text(&name)); /* likewise, or holds mail */
    }
    str_clear(&name);
}
