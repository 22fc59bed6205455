#include "config.h"
#include "ctl/setup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fileread.h"
#include "base/process.h"
#include "base/translation.h"
#include "message/address.h"
#include "config/iniwriter.h"
#include "config/keycheck.h"
#include "submit/help.h"
#include "submit/report.h"
#include "submit/send.h"
#include "submit/serviceuser.h"
#include "submit/terminal.h"
#include "ctl/check.h"
#include "ctl/configure.h"
#include "ctl/setup_file.h"

enum { OUTPUT_MAX = 64 * 1024, FILE_MAX = 1024 * 1024, COMMAND_TIME = 60 * 1000 };

static const char program[] = "onehopctl";

struct setup {
    struct site *site;
    struct submission_server server;
    const char *address, *host, *port, *login, *password_command, *admin;
    bool system, user, password_stdin, no_check, no_start, test, yes;
    struct setup_owner secret, open, closed; /* of a password, of the INI file, of a directory */
    struct str directory, file, candidate, password_file, password;
    struct str saved; /* the password's file as it was, while the login is tried */
    bool password_written;
};

struct option {
    const char *name;
    size_t text, flag; /* offset of one of the two; the other is 0 */
};

static const struct option options[] = {
    {"--host", .text = offsetof(struct setup, host)},
    {"--port", .text = offsetof(struct setup, port)},
    {"--login", .text = offsetof(struct setup, login)},
    {"--password-command", .text = offsetof(struct setup, password_command)},
    {"--admin", .text = offsetof(struct setup, admin)},
    {"--password-stdin", .flag = offsetof(struct setup, password_stdin)},
    {"--system", .flag = offsetof(struct setup, system)},
    {"--user", .flag = offsetof(struct setup, user)},
    {"--no-check", .flag = offsetof(struct setup, no_check)},
    {"--no-start", .flag = offsetof(struct setup, no_start)},
    {"--test", .flag = offsetof(struct setup, test)},
    {"--yes", .flag = offsetof(struct setup, yes)},
};

/* True if ARGV[*I] was an option; *I is then at its last word. */
static bool take_option(struct setup *s, int argc, char **argv, int *i)
{
    for (size_t n = 0; n < sizeof options / sizeof *options; n++) {
        const struct option *o = &options[n];
        size_t len = strlen(o->name);
        const char *word = argv[*i];
        if (strncmp(word, o->name, len) != 0 || (word[len] && (word[len] != '=' || !o->text)))
            continue;
        if (o->flag)
            *(bool *)((char *)s + o->flag) = true;
        else if (word[len] == '=')
            *(const char **)((char *)s + o->text) = word + len + 1;
        else if (*i + 1 < argc)
            *(const char **)((char *)s + o->text) = argv[++*i];
        else
            return false;
        return true;
    }
    return false;
}

static bool read_arguments(struct setup *s, int argc, char **argv, struct error *err)
{
    for (int i = 0; i < argc; i++) {
        if (argv[i][0] == '-') {
            if (!take_option(s, argc, argv, &i))
                return error_usage(err, "setup does not know '%s', or it lacks a value", argv[i]);
        } else if (s->address) {
            return error_usage(err, "setup takes one address");
        } else {
            s->address = argv[i];
        }
    }
    if (!s->address || !strchr(s->address, '@') || !keycheck_address(s->address, err))
        return error_usage(err, "setup takes an address: onehopctl setup me@example.com");
    if (s->system && s->user)
        return error_usage(err, "--system and --user exclude each other");
    if (s->password_stdin && s->password_command)
        return error_usage(err, "--password-stdin and --password-command exclude each other");
    if (s->system && geteuid() != 0)
        return error_usage(err, "--system is for root");
    s->system = s->system || (geteuid() == 0 && !s->user);
    return true;
}

static bool find_server(struct setup *s, struct error *err)
{
    const char *domain = address_domain(s->address);
    struct submission_server *found = &s->server;
    if (s->host) {
        *found = (struct submission_server){
            /* TRANSLATORS: the three origins follow "from" */
            .origin = N_("the command line"), .host = s->host, .note = "", .auth = AUTH_ON};
    } else if (!configure_find(&s->site->config.providers, domain, found)) {
        return error_set(err, ERROR_ACCOUNT, ERROR_PERMANENT, EX_NOHOST,
                         "no provider is known for %s, and it has no SRV records: "
                         "name its submission server with --host",
                         domain);
    }
    (void)printf(_("server     %s, from %s\n"), found->host, _(found->origin));
    if (*found->note)
        (void)printf(_("note       %s\n"), found->note);
    (void)fflush(stdout);
    if (found->auth == AUTH_XOAUTH2 && !s->password_command)
        return error_usage(err,
                           "%s takes no passwords: name a command that prints an OAuth 2.0 "
                           "access token with --password-command",
                           found->host);
    return true;
}

static bool run(const char *command, struct error *err)
{
    struct str out = {0};
    (void)printf(_("run        %s\n"), command);
    (void)fflush(stdout);
    bool ok = process_output(command, clock_after(COMMAND_TIME), OUTPUT_MAX, &out, err);
    str_clear(&out);
    return ok;
}

/* The service's user, and whom the files belong to. */
static bool find_owners(struct setup *s, struct error *err)
{
    static const char make_user[] =
        "systemd-sysusers onehop.conf 2>/dev/null || useradd --system --home-dir /nonexistent "
        "--shell /usr/sbin/nologin " SERVICE_USER;
    uid_t uid = (uid_t)-1;
    gid_t gid = (gid_t)-1;
    s->secret = (struct setup_owner){uid, gid, 0600};
    s->open = (struct setup_owner){uid, gid, s->system ? 0644 : 0600};
    s->closed = (struct setup_owner){uid, gid, 0700};
    if (!s->system)
        return true;
    if (!serviceuser_find(&uid, &gid) && (!run(make_user, err) || !serviceuser_find(&uid, &gid)))
        return error_set(err, ERROR_ACCOUNT, ERROR_PERMANENT, EX_NOUSER,
                         "there is no user %s, and it could not be made", SERVICE_USER);
    s->secret = (struct setup_owner){uid, gid, 0600};
    s->closed = (struct setup_owner){0, gid, 0750};
    return setup_file_directory(s->site->paths->rundir, &(struct setup_owner){uid, gid, 0755},
                                err) &&
           setup_file_directory(s->site->paths->statedir, &(struct setup_owner){uid, gid, 0700},
                                err);
}

static bool find_places(struct setup *s, struct error *err)
{
    const char *above = s->system ? s->site->paths->sysconfdir : s->site->caller.config_home;
    if (!*above)
        return error_config(err, "there is no home to write to");
    str_addf(&s->directory, "%s/onehop", above);
    str_addf(&s->file, "%s/onehop.ini", str_text(&s->directory));
    str_addf(&s->candidate, "%s.new", str_text(&s->file));
    str_addf(&s->password_file, "%s/%s/", str_text(&s->directory), "passwords");
    iniwriter_name(s->address, &s->password_file);
    return true;
}

/* One account of a name: what is there is edited by its owner. */
static bool is_new(const struct setup *s, struct error *err)
{
    for (size_t i = 0; i < s->site->config.n; i++) {
        const struct account *a = s->site->config.account[i];
        if (strcmp(a->name, s->address) == 0 && strcmp(a->file, str_text(&s->file)) == 0)
            return error_set(err, ERROR_ACCOUNT, ERROR_PERMANENT, EX_CANTCREAT,
                             "%s:%d: account %s is there already; nothing was changed", a->file,
                             a->line, a->name);
    }
    if (!s->password_command && !s->yes && access(str_text(&s->password_file), F_OK) == 0)
        return error_set(err, ERROR_ACCOUNT, ERROR_PERMANENT, EX_CANTCREAT,
                         "%s is there already: with --yes it is replaced",
                         str_text(&s->password_file));
    return true;
}

static bool get_password(struct setup *s, struct error *err)
{
    struct str prompt = {0};
    bool ok = true;
    if (s->password_command)
        return true;
    str_addf(&prompt, _("password of %s: "), s->login ? s->login : s->address);
    if (s->password_stdin) {
        int c;
        while ((c = getchar()) != EOF && c != '\n' && s->password.len < PASSWORD_MAX)
            str_add_char(&s->password, (char)c);
    } else {
        ok = terminal_ask(NULL, str_text(&prompt), &s->password);
    }
    str_clear(&prompt);
    return (ok && s->password.len > 0) ||
           error_usage(err, "no password was given: type it, or use --password-stdin or "
                            "--password-command");
}

static void add_key(struct str *text, const char *key, const char *value)
{
    if (value && *value)
        str_addf(text, "%s = %s\n", key, value);
}

/* What the table of providers knows is left to it, so that its updates reach the account. */
static void add_account(const struct setup *s, struct str *text)
{
    const struct submission_server *found = &s->server;
    bool by_hand = !found->provider;
    struct str port = {0}, login = {0};
    str_add_n(&login, s->address,
              found->whole_user || s->host ? strlen(s->address) : address_local_length(s->address));
    if (found->port)
        str_addf(&port, "%u", found->port);
    str_add(text, "[account ");
    iniwriter_name(s->address, text);
    str_add(text, "]\n");
    add_key(text, "from", by_hand || s->login ? s->address : "");
    add_key(text, "host", by_hand ? found->host : "");
    add_key(text, "port", s->port ? s->port : by_hand ? str_text(&port) : "");
    add_key(text, "tls_starttls", !by_hand || !found->port ? "" : found->starttls ? "on" : "off");
    add_key(text, "user", s->login ? s->login : str_text(&login));
    add_key(text, "admin", s->admin);
    add_key(text, "password_command", s->password_command);
    add_key(text, "password_file", s->password_command ? "" : str_text(&s->password_file));
    str_clear(&port);
    str_clear(&login);
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
        (void)unlink(str_text(&s->candidate)); /* of a setup that was interrupted */
        add_account(s, &text);
        ok = setup_file_write(str_text(&s->candidate), &text, &owner, err);
    }
    str_clear(&text);
    str_clear(&old);
    return ok;
}

static bool write_files(struct setup *s, struct error *err)
{
    if (!setup_file_directory(
            str_text(&s->directory),
            s->system ? &(struct setup_owner){(uid_t)-1, (gid_t)-1, 0755} : &s->closed, err))
        return false;
    if (!s->password_command) {
        struct str directory = {0};
        str_addf(&directory, "%s/passwords", str_text(&s->directory));
        bool ok = setup_file_directory(str_text(&directory), &s->closed, err);
        str_clear(&directory);
        str_addf(&s->saved, "%s.old", str_text(&s->password_file));
        ok = ok &&
             (rename(str_text(&s->password_file), str_text(&s->saved)) == 0 || errno == ENOENT ||
              error_system(err, EX_CANTCREAT, "cannot write %s", str_text(&s->saved)));
        str_add_char(&s->password, '\n');
        s->password_written =
            ok && setup_file_write(str_text(&s->password_file), &s->password, &s->secret, err);
        if (!s->password_written)
            return false;
    }
    return write_candidate(s, err);
}

/* Back to what was there. */
static void remove_files(const struct setup *s)
{
    (void)unlink(str_text(&s->candidate)); /* it may not be there */
    if (s->password_written)
        (void)unlink(str_text(&s->password_file)); /* likewise */
    if (s->saved.len > 0)
        (void)rename(str_text(&s->saved), str_text(&s->password_file)); /* likewise */
}

/* On a machine that systemd runs; elsewhere the manual says what to do. */
static void start_service(struct error *err)
{
    static const char start[] = "systemctl enable --now onehop.socket && "
                                "systemctl enable onehop.service && "
                                "systemctl restart onehop.service";
    if (access("/run/systemd/system", F_OK) != 0)
        (void)printf("%s\n", _("next       start the service: onehop -bd -q5m"));
    else if (!run(start, err))
        report_error(program, err);
}

static void show_result(const struct setup *s)
{
    const char *file = str_text(&s->file);
    (void)printf(_("wrote      %s, [account %s]\n"), file, s->address);
    if (s->password_written && s->saved.len > 0 && unlink(str_text(&s->saved)) == 0)
        (void)printf(_("replaced   %s\n"), str_text(&s->password_file));
    else if (s->password_written)
        (void)printf(_("wrote      %s\n"), str_text(&s->password_file));
    if (s->password_command)
        (void)printf(_("undo       remove [account %s] from %s\n"), s->address, file);
    else
        (void)printf(_("undo       remove [account %s] from %s; rm %s\n"), s->address, file,
                     str_text(&s->password_file));
    if (!s->system)
        (void)printf("%s\n", _("next       mail that has to wait leaves with: "
                               "systemctl --user enable --now onehop-queue.timer\n"
                               "           or, in your crontab: */5 * * * * onehop -q5m"));
    (void)fflush(stdout);
}

/* To the address itself, as any program would send it. */
static int send_test(const struct setup *s)
{
    char name[] = "sendmail", end[] = "--", from[] = "-f", *address = (char *)s->address;
    char *words[] = {name, from, address, end, address, NULL};
    struct invocation call;
    struct error err;
    FILE *text = tmpfile();
    if (!text ||
        fprintf(text,
                "Subject: onehop works\nTo: %s\n\nThis is the test message of onehopctl "
                "setup.\n",
                s->address) < 0 ||
        fflush(text) != 0 || lseek(fileno(text), 0, SEEK_SET) != 0 ||
        dup2(fileno(text), STDIN_FILENO) < 0) {
        report_line(program, "cannot write a test message");
        return EX_OSERR;
    }
    int code = EX_SOFTWARE;
    if (invocation_parse(&call, 5, words, &err))
        code = send_run(&call, s->site);
    invocation_clear(&call);
    (void)fclose(text); /* read only from now on */
    if (code == EX_OK)
        (void)printf(_("sent       a test message to %s\n"), s->address);
    return code;
}

static int set_up(struct setup *s, int argc, char **argv)
{
    struct error err = {0};
    int code = EX_OK;
    if (!read_arguments(s, argc, argv, &err) || !site_configure(s->site, NULL, &err) ||
        !find_places(s, &err) || !is_new(s, &err) || !find_server(s, &err) ||
        !find_owners(s, &err) || !get_password(s, &err)) {
        report_error(program, &err);
        return err.code;
    }
    if (!write_files(s, &err)) {
        report_error(program, &err);
        code = err.code;
    } else if (s->no_check) {
        code = site_configure(s->site, str_text(&s->candidate), &err) ? EX_OK : err.code;
        if (code != EX_OK)
            report_error(program, &err);
    } else {
        code = check_file(str_text(&s->candidate), s->address, s->site);
    }
    if (code == EX_OK && !setup_file_move(str_text(&s->candidate), str_text(&s->file), &err)) {
        report_error(program, &err);
        code = err.code;
    }
    if (code != EX_OK) {
        remove_files(s);
        report_line(program, "nothing was changed");
        return code;
    }
    show_result(s);
    if (s->system && !s->no_start)
        start_service(&err);
    return s->test ? send_test(s) : EX_OK;
}

int setup_run(int argc, char **argv, struct site *site)
{
    struct setup s = {.site = site, .password = {.secret = true}};
    int code = set_up(&s, argc, argv);
    str_clear(&s.directory);
    str_clear(&s.file);
    str_clear(&s.candidate);
    str_clear(&s.password_file);
    str_clear(&s.password);
    str_clear(&s.saved);
    return code == EX_OK ? help_flush() : code;
}
