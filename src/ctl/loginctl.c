#include "config.h"
#include "ctl/loginctl.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/clock.h"
#include "base/closefrom.h"
#include "base/process.h"
#include "base/translation.h"
#include "config/oauth_service.h"
#include "config/tokenfile.h"
#include "config/tokensource.h"
#include "submit/report.h"
#include "submit/serviceuser.h"
#include "ctl/as_service.h"
#include "ctl/setup_file.h"

enum { ANSWERS = 3 }; /* the descriptor on which the program finds the person's terminal */

struct login {
    const struct site *site;
    const struct account *account;
    bool device;
    pid_t caller; /* the process that the person sees */
};

static struct password_sources sources_of(const struct site *site)
{
    return (struct password_sources){.site = site};
}

static _Noreturn void become(const char *program, int request)
{
    (void)signal(SIGPIPE, SIG_DFL);
    request = fcntl(request, F_DUPFD, ANSWERS + 1); /* away from what is put in its place */
    if (request < 0 || dup2(STDIN_FILENO, ANSWERS) < 0 || dup2(request, STDIN_FILENO) < 0)
        _exit(EX_OSERR);
    closefrom(ANSWERS + 1);
    execl(program, program, (char *)NULL);
    _exit(EX_OSFILE);
}

/* The request is smaller than what a pipe holds. */
static bool write_request(int fd, const struct login *login)
{
    const struct password_sources sources = sources_of(login->site);
    struct str request = {0};
    tokensource_request(&request, login->account, &sources, login->device ? "device" : "login");
    str_addf(&request, "answers %d\nend\n", (int)ANSWERS);
    bool ok = write(fd, request.data, request.len) == (ssize_t)request.len;
    str_clear(&request);
    return ok;
}

static int run_program(const struct login *login)
{
    const char *program = login->site->paths->token_program;
    int pipes[2];
    (void)fflush(stdout); /* before the program writes to it */
    if (pipe2(pipes, O_CLOEXEC) != 0)
        return EX_OSERR;
    bool whole = write_request(pipes[1], login);
    pid_t parent = getpid();
    pid_t child = whole ? fork() : -1;
    if (child == 0) {
        process_follow(parent);
        become(program, pipes[0]);
    }
    (void)close(pipes[0]);
    (void)close(pipes[1]);
    int status = channel_end(-1, child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : EX_OSERR;
}

static int log_in(void *context)
{
    const struct login *login = context;
    int code = run_program(login);
    if (code == EX_OK)
        as_service_resume(login->site, login->account);
    return code;
}

static int log_in_as_service(void *context)
{
    const struct login *login = context;
    process_follow(login->caller);
    return log_in(context);
}

static void show_failure(void *context, const struct error *err)
{
    const struct login *login = context;
    report_error(login->site->program, err);
}

/* The directory that the service's user cannot make itself. */
static bool make_directory(const struct login *login, struct error *err)
{
    uid_t uid;
    gid_t gid;
    if (login->account->scope != SCOPE_SYSTEM || !serviceuser_find(&uid, &gid))
        return true;
    return setup_file_directory(login->site->paths->tokendir, &(struct setup_owner){uid, gid, 0700},
                                err);
}

static bool find_account(struct login *login, const char *name, struct site *site,
                         struct error *err)
{
    if (!site_configure(site, NULL, err))
        return false;
    login->account = configuration_account(&site->config, name);
    if (!login->account)
        return error_config(err, "there is no account '%s'", name);
    if (!account_has_oauth(login->account))
        return error_config(err,
                            "account %s does not log in with tokens: onehop-oauth(7) says what to "
                            "write for that",
                            name);
    return provider_check(&site->config.providers, login->account, err) &&
           tokensource_program(site->paths, err);
}

int loginctl_run(int argc, char **argv, struct site *site)
{
    struct login login = {.site = site, .caller = getpid()};
    const char *name = NULL;
    struct error err;
    bool known = true;
    for (int i = 0; i < argc; i++) {
        bool device = strcmp(argv[i], "--device") == 0;
        known = known && (device || (!name && argv[i][0] != '-'));
        login.device = login.device || device;
        name = device ? name : argv[i];
    }
    if (!name || !known) {
        report_line(site->program, "login takes the name of an account, and --device");
        return EX_USAGE;
    }
    if (!find_account(&login, name, site, &err) || !make_directory(&login, &err)) {
        report_error(site->program, &err);
        return err.code;
    }
    return login.account->scope == SCOPE_SYSTEM
               ? as_service_run(log_in_as_service, show_failure, &login)
               : log_in(&login);
}

static void add_moment(struct str *out, int64_t seconds)
{
    if (!clock_add_local(out, seconds, "%Y-%m-%d %H:%M:%S %z"))
        str_add_char(out, '?');
}

static void describe(struct str *out, const struct tokens *tokens, const struct account *account)
{
    int64_t now = clock_wall();
    struct str expires = {0}, person = {0};
    add_moment(&expires, tokens->expires);
    add_moment(&person, tokens->person);
    str_addf(out, _("user %s at %s\n"), account->user, account->oauth_service->name);
    str_addf(out, _("scope %s\n"), tokens->scope.len > 0 ? str_text(&tokens->scope) : "?");
    str_addf(out,
             tokens_are_fresh(tokens, now) ? _("valid until %s")
             : tokens->expires > now       ? _("renewed before %s")
                                           : _("expired %s, to be renewed"),
             str_text(&expires));
    if (tokens->person > 0)
        str_addf(out, _("\nconsent of %s"), str_text(&person));
    if (tokens->obtained > now)
        str_add(out, _("\nthe clock was set back since the token came: it is renewed"));
    str_clear(&expires);
    str_clear(&person);
}

bool loginctl_describe(struct str *out, const struct account *account, const struct site *site,
                       struct error *err)
{
    struct tokens tokens;
    enum tokenfile_found whose;
    bool ok = tokenfile_find(account, site, &tokens, &whose, err);
    bool person = account->oauth_grant == OAUTH_PERSON;
    if (ok && whose == TOKENFILE_OWN)
        describe(out, &tokens, account);
    else if (ok && person && !tokensource_has_seed(account, &site->caller))
        ok = error_set(err, ERROR_ACCOUNT, ERROR_PERMANENT, EX_NOPERM,
                       whose == TOKENFILE_OTHER
                           ? N_("the login that is kept was made for other settings: run "
                                "`onehopctl login %s`")
                           : N_("nobody has logged in yet: run `onehopctl login %s`"),
                       account->name);
    else if (ok)
        str_add(out, _("none is kept yet"));
    tokens_clear(&tokens);
    return ok;
}
