#include "config.h"
#include "ctl/setup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/fileread.h"
#include "base/sasl.h"
#include "base/translation.h"
#include "message/address.h"
#include "config/iniwriter.h"
#include "config/keycheck.h"
#include "submit/help.h"
#include "submit/report.h"
#include "submit/terminal.h"
#include "ctl/check.h"
#include "ctl/configure.h"
#include "ctl/loginctl.h"
#include "ctl/setup_account.h"
#include "ctl/setup_answers.h"
#include "ctl/setup_file.h"
#include "ctl/setup_maildir.h"
#include "ctl/setup_message.h"
#include "ctl/setup_system.h"

enum { FILE_MAX = 1024 * 1024, LOGINS_MAX = 3 };

struct setup {
    struct site *site;
    struct setup_answers answers;
    struct setup_owner secret, open, closed; /* of a password, of the INI file, of a directory */
    struct str name, section;                /* of the account, and its text */
    struct str directory, file, candidate, password_file, password;
    struct setup_maildir maildir;
    struct str saved; /* the password's file as it was, while the login is tried */
    bool kept;        /* the account is there already: at most its password is replaced */
    bool password_written;
};

/* Root's mail is the machine's, unless somebody wants it otherwise. */
static void choose_level(struct setup_answers *a)
{
    if (geteuid() != 0 || a->user)
        return;
    a->system = a->system || !a->asks ||
                setup_answers_confirm(
                    a, _("Is it for all users of this machine (no: root's alone)?"), true);
}

static bool find_places(struct setup *s, struct error *err)
{
    const struct site *site = s->site;
    const char *above = s->answers.system ? site->paths->sysconfdir : site->caller.config_home;
    if (!*above)
        return error_config(err, "there is no home to write to");
    iniwriter_name(s->answers.maildir ? SETUP_MAILDIR_ACCOUNT : s->answers.address, &s->name);
    str_addf(&s->directory, "%s/onehop", above);
    str_addf(&s->file, "%s/onehop.ini", str_text(&s->directory));
    str_addf(&s->candidate, "%s.new", str_text(&s->file));
    str_addf(&s->password_file, "%s/passwords/%s", str_text(&s->directory), str_text(&s->name));
    return true;
}

static const struct account *existing_account(const struct setup *s)
{
    for (size_t i = 0; i < s->site->config.n; i++) {
        const struct account *a = s->site->config.account[i];
        if (strcmp(a->name, str_text(&s->name)) == 0 && strcmp(a->file, str_text(&s->file)) == 0)
            return a;
    }
    return NULL;
}

static bool may_replace(const struct setup *s, const struct account *account)
{
    struct str question = {0};
    if (account)
        str_addf(&question, _("%s:%d: account %s is there already. Replace its password?"),
                 account->file, account->line, account->name);
    else
        str_addf(&question, _("%s is there already. Replace it?"), str_text(&s->password_file));
    bool yes = setup_answers_confirm(&s->answers, str_text(&question), false);
    str_clear(&question);
    return yes;
}

/* An account that is there is edited by its owner; a password is replaced if that is wanted. */
static bool look_at_what_is_there(struct setup *s, struct error *err)
{
    const struct account *a = existing_account(s);
    const char *file = str_text(&s->password_file);
    if (s->answers.maildir)
        return setup_maildir_choose(&s->answers, s->site, a, &s->kept, err);
    if (a) {
        s->kept = setup_answers_need_password(&s->answers) && strcmp(a->password_file, file) == 0 &&
                  may_replace(s, a);
        return s->kept || error_set(err, ERROR_ACCOUNT, ERROR_PERMANENT, EX_CANTCREAT,
                                    "%s:%d: account %s is there already; nothing was changed",
                                    a->file, a->line, a->name);
    }
    if (!setup_answers_need_password(&s->answers) || access(file, F_OK) != 0 ||
        may_replace(s, NULL))
        return true;
    return error_set(err, ERROR_ACCOUNT, ERROR_PERMANENT, EX_CANTCREAT,
                     "%s is there already: with --yes it is replaced", file);
}

static bool ask_host(struct setup_answers *a, struct error *err)
{
    const char *domain = address_domain(a->address);
    if (a->asks)
        (void)printf(_("No provider is known for %s, and it has no SRV records.\n"), domain);
    setup_answers_take_host(a,
                            setup_answers_ask(a, _("submission server, as HOST or HOST:PORT"), ""));
    if (!*a->host)
        return error_set(err, ERROR_ACCOUNT, ERROR_PERMANENT, EX_NOHOST,
                         "no provider is known for %s, and it has no SRV records: "
                         "name its submission server with --host",
                         domain);
    const char *login =
        a->login ? a->login : setup_answers_ask(a, _("user name there"), a->address);
    if (strcmp(login, a->address) != 0)
        a->login = login;
    return keycheck_host(a->host, err);
}

/* The DNS server must not choose which host gets the password (RFC 6186 section 6). */
static bool accepts_foreign_host(const struct setup_answers *a,
                                 const struct submission_server *found, struct error *err)
{
    const char *domain = address_domain(a->address);
    struct str question = {0};
    if (found->provider || configure_belongs(found, domain))
        return true;
    str_addf(&question, _("DNS names %s, which is not in %s. Shall it get the password?"),
             found->host, domain);
    bool yes = setup_answers_confirm(a, str_text(&question), false);
    str_clear(&question);
    return yes || error_usage(err,
                              "DNS names %s, which is not in %s: name the submission server with "
                              "--host, or accept that one with --yes",
                              found->host, domain);
}

/* Of a server that takes no password. */
static bool ask_token(struct setup_answers *a, const char *host, struct error *err)
{
    if (a->asks)
        (void)printf("%s\n", _("It takes no passwords, but access tokens (OAuth 2.0)."));
    const char *client = setup_answers_ask(
        a, _("client id of your registration there, see onehop-oauth(7); empty: a command"), "");
    if (*client) {
        a->client = client;
        return true;
    }
    const char *command = setup_answers_ask(a, _("command that prints a token"), "");
    if (!*command)
        return error_usage(
            err,
            "%s takes no passwords: name your registration with --oauth-client-id, "
            "see onehop-oauth(7), or a command that prints an OAuth 2.0 access token "
            "with --password-command",
            host);
    a->password_command = command;
    return true;
}

static bool find_server(struct setup *s, struct submission_server *found, struct error *err)
{
    struct setup_answers *a = &s->answers;
    bool known =
        !a->host && configure_find(&s->site->config.providers, address_domain(a->address), found);
    if (known && !accepts_foreign_host(a, found, err))
        return false;
    if (known && !found->whole_user && !a->login)
        setup_answers_log_in_as_local_part(a);
    if (!known && !a->host && !ask_host(a, err))
        return false;
    if (!known)
        *found = (struct submission_server){/* TRANSLATORS: the three origins follow "from" */
                                            .origin = N_("the command line"),
                                            .host = a->host,
                                            .note = "",
                                            .auth = AUTH_ON};
    (void)printf(_("server     %s, from %s\n"), found->host, _(found->origin));
    if (*found->note)
        (void)printf(_("note       %s\n"), found->note);
    (void)fflush(stdout);
    const struct sasl *sasl = account_sasl(found->auth);
    if (!sasl || !sasl->takes_token || !setup_answers_need_password(a))
        return true;
    return ask_token(a, found->host, err);
}

static bool ask_admin(struct setup_answers *a, struct error *err)
{
    if (a->system && !a->admin)
        a->admin =
            setup_answers_ask(a, _("who gets mail to root and other local names"), a->address);
    return !a->admin || keycheck_address(a->admin, err);
}

/* Whom the files belong to. */
static bool find_owners(struct setup *s, struct error *err)
{
    uid_t uid = (uid_t)-1;
    gid_t gid = (gid_t)-1;
    bool system = s->answers.system;
    if (system && !setup_system_prepare(s->site, &uid, &gid, err))
        return false;
    s->secret = (struct setup_owner){uid, gid, 0600};
    s->open = (struct setup_owner){(uid_t)-1, (gid_t)-1, system ? 0644 : 0600};
    s->closed = system ? (struct setup_owner){0, gid, 0750} : (struct setup_owner){uid, gid, 0700};
    return true;
}

static bool place_maildir(struct setup *s, struct error *err)
{
    const struct setup_answers *a = &s->answers;
    if (!find_owners(s, err) || (!s->kept && !setup_maildir_add(a, &s->section, err)))
        return false;
    const struct setup_owner owner = {s->secret.uid, s->secret.gid, 0700};
    return !a->system || setup_maildir_make(&s->maildir, s->site, a->maildir, &owner, err);
}

/* Everything but the password, which is asked for again where it is refused. */
static bool find_answers(struct setup *s, struct error *err)
{
    struct submission_server found = {0};
    if (!find_places(s, err) || !look_at_what_is_there(s, err))
        return false;
    if (s->answers.maildir)
        return place_maildir(s, err);
    if (s->kept)
        return find_owners(s, err);
    if (!find_server(s, &found, err) || !ask_admin(&s->answers, err) || !find_owners(s, err))
        return false;
    return setup_account_add(&s->answers, &found, str_text(&s->password_file), &s->section, err);
}

static bool get_password(struct setup *s, struct error *err)
{
    const struct setup_answers *a = &s->answers;
    struct str prompt = {0};
    bool ok = true;
    if (!setup_answers_need_password(a))
        return true;
    str_truncate(&s->password, 0);
    str_addf(&prompt, _("password of %s: "), a->login ? a->login : a->address);
    if (a->password_stdin)
        terminal_read_input(&s->password, PASSWORD_MAX);
    else
        ok = terminal_ask(NULL, str_text(&prompt), &s->password);
    str_clear(&prompt);
    return (ok && s->password.len > 0) ||
           error_usage(err, "no password was given: type it, or use --password-stdin or "
                            "--password-command");
}

/* The file as it is, with the account behind it. */
static bool write_candidate(struct setup *s, struct error *err)
{
    struct str text = {0}, old = {0};
    struct stat facts;
    struct setup_owner owner = s->open;
    bool ok = fileread_all(str_text(&s->file), FILE_MAX, &old, &facts, err);
    if (ok)
        owner = (struct setup_owner){facts.st_uid, facts.st_gid, facts.st_mode & 07777};
    if (ok || errno == ENOENT) {
        str_add_n(&text, str_text(&old), old.len);
        if (old.len > 0)
            str_add(&text, old.data[old.len - 1] == '\n' ? "\n" : "\n\n");
        str_add_n(&text, str_text(&s->section), s->section.len);
        (void)unlink(str_text(&s->candidate)); /* of a setup that was interrupted */
        ok = setup_file_write(str_text(&s->candidate), &text, &owner, err);
    }
    str_clear(&text);
    str_clear(&old);
    return ok;
}

static bool write_password(struct setup *s, struct error *err)
{
    struct str directory = {0};
    str_addf(&directory, "%s/passwords", str_text(&s->directory));
    bool ok = setup_file_directory(str_text(&directory), &s->closed, err);
    str_clear(&directory);
    str_truncate(&s->saved, 0);
    str_addf(&s->saved, "%s.old", str_text(&s->password_file));
    ok = ok && (rename(str_text(&s->password_file), str_text(&s->saved)) == 0 || errno == ENOENT ||
                error_system(err, EX_CANTCREAT, "cannot write %s", str_text(&s->saved)));
    str_add_char(&s->password, '\n');
    s->password_written =
        ok && setup_file_write(str_text(&s->password_file), &s->password, &s->secret, err);
    return s->password_written;
}

static bool write_files(struct setup *s, struct error *err)
{
    const struct setup_owner open = {(uid_t)-1, (gid_t)-1, 0755};
    return setup_file_directory(str_text(&s->directory), s->answers.system ? &open : &s->closed,
                                err) &&
           (!setup_answers_need_password(&s->answers) || write_password(s, err)) &&
           (s->kept || write_candidate(s, err));
}

/* Back to what was there. */
static void remove_files(struct setup *s)
{
    (void)unlink(str_text(&s->candidate)); /* it may not be there */
    if (s->password_written)
        (void)unlink(str_text(&s->password_file)); /* likewise */
    if (s->saved.len > 0)
        (void)rename(str_text(&s->saved), str_text(&s->password_file)); /* likewise */
    s->password_written = false;
    setup_maildir_undo(&s->maildir, s->answers.maildir);
}

static int fail(const struct setup *s, const struct error *err)
{
    report_error(s->site->program, err);
    return err->code;
}

static int try_files(struct setup *s, struct error *err)
{
    const char *file = str_text(s->kept ? &s->file : &s->candidate);
    if (!write_files(s, err))
        return fail(s, err);
    if (!s->answers.no_check && !s->answers.client) /* nobody has consented yet */
        return check_file(file, str_text(&s->name), s->answers.system, s->site);
    return site_configure(s->site, file, err) ? EX_OK : fail(s, err);
}

/* Asks for the password, writes the files, tries the login, and moves the files to their places; a
 * person may mistype the password. */
static int install(struct setup *s, struct error *err)
{
    for (int logins = 1;; logins++) {
        if (!get_password(s, err))
            return fail(s, err);
        int code = try_files(s, err);
        if (code == EX_OK && !s->kept &&
            !setup_file_move(str_text(&s->candidate), str_text(&s->file), err))
            code = fail(s, err);
        if (code == EX_OK)
            return code;
        remove_files(s);
        if (code != EX_NOPERM || !s->answers.asks || !setup_answers_need_password(&s->answers) ||
            logins == LOGINS_MAX)
            return code;
        (void)printf("%s\n", _("The login was refused; an empty password ends."));
    }
}

static void show_undo(const struct setup *s)
{
    const char *file = str_text(&s->file), *name = str_text(&s->name);
    if (s->maildir.drop_in.len > 0)
        (void)printf(_("undo       remove [account %s] from %s; rm %s\n"), name, file,
                     str_text(&s->maildir.drop_in));
    else if (!setup_answers_need_password(&s->answers))
        (void)printf(_("undo       remove [account %s] from %s\n"), name, file);
    else
        (void)printf(_("undo       remove [account %s] from %s; rm %s\n"), name, file,
                     str_text(&s->password_file));
    if (s->answers.system)
        setup_system_show_undo();
}

static void show_result(const struct setup *s)
{
    const char *file = str_text(&s->file), *name = str_text(&s->name);
    if (s->kept)
        (void)printf(_("kept       %s, [account %s]\n"), file, name);
    else
        (void)printf(_("wrote      %s, [account %s]\n"), file, name);
    if (s->password_written && s->saved.len > 0 && unlink(str_text(&s->saved)) == 0)
        (void)printf(_("replaced   %s\n"), str_text(&s->password_file));
    else if (s->password_written)
        (void)printf(_("wrote      %s\n"), str_text(&s->password_file));
    if (s->maildir.made)
        (void)printf(_("made       %s\n"), s->answers.maildir);
    if (s->maildir.drop_in.len > 0)
        (void)printf(_("wrote      %s\n"), str_text(&s->maildir.drop_in));
    if (!s->kept) /* else the account was there before, and its old password is gone */
        show_undo(s);
    if (!s->answers.system)
        (void)printf(_("next       mail that has to wait leaves with: "
                       "systemctl --user enable --now onehop-queue.timer\n"
                       "           or, in your crontab: */5 * * * * %s/onehop -q5m\n"),
                     s->site->paths->bindir);
    (void)fflush(stdout);
}

/* The account is in its place: a person lets it send. */
static int let_log_in(struct setup *s)
{
    char *words[] = {s->name.data, NULL};
    if (!s->answers.asks || s->answers.no_check) {
        (void)printf(_("next       onehopctl login %s\n"), str_text(&s->name));
        return EX_OK;
    }
    int code = loginctl_run(1, words, s->site);
    return code == EX_OK ? check_run(str_text(&s->name), s->site) : code;
}

static bool wants_test(const struct setup_answers *a)
{
    struct str question = {0};
    str_addf(&question, _("Send a test message to %s?"), a->address);
    bool yes = a->test || (a->asks && setup_answers_confirm(a, str_text(&question), true));
    str_clear(&question);
    return yes;
}

static int set_up(struct setup *s, struct error *err)
{
    choose_level(&s->answers);
    if (!site_configure(s->site, NULL, err) || !find_answers(s, err))
        return fail(s, err);
    int code = install(s, err);
    if (code != EX_OK) {
        report_line(s->site->program, "nothing was changed");
        return code;
    }
    show_result(s);
    if (s->answers.system && !s->answers.no_start && !setup_system_start(s->site, err))
        code = fail(s, err);
    if (code == EX_OK && s->answers.client)
        code = let_log_in(s);
    return code == EX_OK && wants_test(&s->answers)
               ? setup_message_send(s->answers.address, s->site)
               : code;
}

static int show_options(void)
{
    (void)printf("%s\n\n", _("Usage: onehopctl setup [OPTION ...] ADDRESS | --maildir [PATH]"));
    for (size_t i = 0; i < setup_option_count; i++) {
        const struct setup_option *o = &setup_options[i];
        (void)printf("  %s %-*s %s\n", o->name, (int)(28 - strlen(o->name)), o->argument,
                     _(o->help));
    }
    return EX_OK;
}

int setup_run(int argc, char **argv, struct site *site)
{
    struct setup s = {.site = site, .password = {.secret = true}};
    struct error err = {0};
    int code = EX_USAGE;
    if (!setup_answers_read(&s.answers, argc, argv, &err))
        report_error(site->program, &err);
    else
        code = s.answers.help ? show_options() : set_up(&s, &err);
    setup_answers_clear(&s.answers);
    str_clear(&s.name);
    str_clear(&s.section);
    str_clear(&s.directory);
    str_clear(&s.file);
    str_clear(&s.candidate);
    str_clear(&s.password_file);
    str_clear(&s.password);
    str_clear(&s.saved);
    str_clear(&s.maildir.drop_in);
    return code == EX_OK ? help_flush() : code;
}
