#include "config.h"
#include "ctl/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/confine.h"
#include "base/memory.h"
#include "base/translation.h"
#include "config/identity.h"
#include "config/permission.h"
#include "net/resolve.h"
#include "delivery/connection.h"
#include "delivery/fence.h"
#include "delivery/verdict.h"
#include "submit/help.h"
#include "submit/report.h"
#include "submit/send.h"
#include "submit/service_client.h"
#include "submit/serviceuser.h"
#include "submit/terminal.h"
#include "ctl/as_service.h"
#include "ctl/listen_probe.h"
#include "ctl/loginctl.h"
#include "ctl/mailq.h"
#include "ctl/service_state.h"
#include "ctl/units.h"

enum { COLUMN = 26 }; /* where details begin */

struct check {
    struct site *site;
    int64_t since;    /* when the step began */
    int code;         /* of the first failure */
    bool for_service; /* accounts of all levels are the service's */
};

/* Each line of TEXT by FORMAT, the first behind what was printed, the others below it. */
static void show_lines(const char *text, const char *format)
{
    for (const char *line = text; *line;) {
        size_t len = strcspn(line, "\n");
        if (line != text)
            (void)printf("\n%*s", COLUMN, "");
        (void)printf("  ");
        (void)printf(format, (int)len, line);
        line += len + (line[len] == '\n');
    }
    (void)printf("\n");
}

static void show_step(void *context, const char *step, const char *detail, const struct error *err)
{
    struct check *c = context;
    int64_t now = clock_now();
    (void)printf("  %-4s %-9s %6lld ms", err ? "FAIL" : "ok", step, (long long)(now - c->since));
    c->since = now;
    show_lines(err ? error_shown(err) : detail, "%.*s");
    if (err && *err->reply) {
        (void)printf("%*s", COLUMN, "");
        show_lines(err->reply, _("server message: %.*s"));
    }
    (void)fflush(stdout); /* a step that hangs is seen while it hangs */
}

static void show_files(struct check *c)
{
    (void)printf("%s\n", _("configuration"));
    for (const char *line = str_text(&c->site->config.files); *line;) {
        size_t len = strcspn(line, "\n");
        struct str name = {0};
        struct stat facts;
        str_add_n(&name, line, len);
        if (stat(str_text(&name), &facts) == 0)
            (void)printf(_("  ok   %s (mode %04o, uid %ld)\n"), str_text(&name),
                         (unsigned)facts.st_mode & 07777, (long)facts.st_uid);
        else
            (void)printf("  ok   %s\n", str_text(&name));
        str_clear(&name);
        line += len + (line[len] == '\n');
    }
}

/* Which fences the processes have that speak to others (base/confine.h). */
static void show_confinement(void)
{
    unsigned fences = confine_available();
    const char *missing = fences & CONFINE_FILES   ? "seccomp"
                          : fences & CONFINE_CALLS ? "Landlock"
                                                   : "Landlock/seccomp";
    if (fences == (CONFINE_FILES | CONFINE_CALLS))
        (void)printf("  ok   %s\n", _("processes are confined by Landlock and seccomp"));
    else
        (void)printf(_("  --   processes are not confined by %s: the kernel does not offer it\n"),
                     missing);
}

static bool find_addresses(const struct account *a, const char *host, struct str *out,
                           struct error *err)
{
    struct resolve_list *list = memory_new(sizeof *list);
    bool ok = resolve_host(host, account_port(a), clock_after(a->timeout), list, err);
    for (size_t i = 0; ok && i < list->n; i++)
        str_addf(out, "%s%s", i ? " " : "", list->item[i].text);
    free(list);
    return ok;
}

static void show_names(struct check *c, const struct account *a)
{
    struct error err;
    for (size_t i = 0; i < a->host.n && !*a->socket; i++) {
        struct str addresses = {0};
        c->since = clock_now();
        bool ok = find_addresses(a, a->host.item[i], &addresses, &err);
        if (ok) /* else it fails again where it is connected to */
            show_step(c, "name", str_text(&addresses), NULL);
        str_clear(&addresses);
    }
}

/* What is kept of the login, before it is used. */
static void show_tokens(struct check *c, const struct account *a)
{
    struct str text = {0};
    struct error err;
    c->since = clock_now();
    bool ok = loginctl_describe(&text, a, c->site, &err);
    show_step(c, "token", str_text(&text), ok ? NULL : &err);
    str_clear(&text);
}

/* The steps that take the account's secrets. */
static int try_login(struct check *c, const struct account *a)
{
    const struct password_sources passwords = {
        .site = c->site,
        .ask = terminal_ask,
    };
    const struct connection_options options = {
        .passwords = &passwords,
        .step = show_step,
        .context = c,
    };
    struct error err;
    if (account_has_oauth(a))
        show_tokens(c, a);
    show_names(c, a);
    c->since = clock_now();
    struct connection *connection = connection_open(a, &options, &err);
    bool ok = connection && (!a->requiretls ||
                             session_takes_requiretls(connection_capabilities(connection), &err));
    if (connection && !ok)
        show_step(c, "requiretls", "", &err);
    connection_close(connection);
    if (!ok)
        return verdict_code(&err);
    as_service_resume(c->site, a);
    return EX_OK;
}

struct login_trial {
    struct check *check;
    const struct account *account;
};

static int try_in_child(void *context)
{
    const struct login_trial *trial = context;
    return try_login(trial->check, trial->account);
}

static void show_failure(void *context, const struct error *err)
{
    const struct login_trial *trial = context;
    show_step(trial->check, "user", "", err);
}

/* What root finds out says nothing of the user that delivers the system's mail. */
static int try_login_as_service(struct check *c, const struct account *a)
{
    struct login_trial trial = {.check = c, .account = a};
    return as_service_run(try_in_child, show_failure, &trial);
}

/* The service, where sending goes through it, as find_way() in send.c. False: nothing can be sent.
 */
static bool check_service(struct check *c, bool *has_service, bool needed, int *code)
{
    struct error err;
    struct str path = {0};
    c->since = clock_now();
    struct stream *line = service_client_open(c->site->paths, &err);
    *has_service = line != NULL;
    stream_close(line);
    str_addf(&path, "%s/submit", c->site->paths->rundir);
    if (*has_service || needed)
        show_step(c, "service", str_text(&path), *has_service ? NULL : &err);
    str_clear(&path);
    if (!*has_service && needed)
        *code = err.code;
    return *has_service || !needed;
}

static int check_system_account(struct check *c, const struct account *a)
{
    struct error err;
    uid_t uid;
    gid_t gid;
    int code = EX_OK;
    bool has_service;
    if (!permission_check(a, &c->site->caller, &err)) {
        show_step(c, "allowed", "", &err);
        return err.code;
    }
    /* A machine with the service's user is one whose users send through the service. */
    bool served = serviceuser_find(&uid, &gid);
    bool own = send_has_secrets(a, c->site);
    if (!check_service(c, &has_service, served || !own, &code) && !own)
        return code;
    if (has_service && !own) {
        (void)printf("  ok   login               %s\n",
                     _("the service's: its password is not yours to read"));
        return code;
    }
    int login = served ? try_login_as_service(c, a) : try_login(c, a);
    return login != EX_OK ? login : code;
}

static void fail(struct check *c, const char *step, const struct error *err)
{
    show_step(c, step, "", err);
    if (c->code == EX_OK)
        c->code = err->code;
}

static void add_time(struct str *out, int64_t moment)
{
    if (!clock_add_local(out, moment, MAILQ_TIME))
        str_add_char(out, '?');
}

/* What the service has read, and when; a file that it does not take is a failure. */
static void check_configuration_of_service(struct check *c)
{
    struct service_state state;
    struct error err;
    struct str text = {0}, when = {0};
    c->since = clock_now();
    if (!service_state_ask(&state, c->site, &err)) {
        fail(c, "read", &err);
        return;
    }
    add_time(&when, state.read_at);
    if (state.read_at)
        str_addf(&text, _("%s, by the service\n%s"), str_text(&when), str_text(&state.files));
    if (state.rejected.len == 0) {
        show_step(c, "read", str_text(&text), NULL);
    } else {
        (void)error_config(&err, "%s", str_text(&state.rejected));
        if (state.read_at)
            (void)error_add(&err, "; ", "the service uses what it read %s", str_text(&when));
        fail(c, "read", &err);
    }
    str_clear(&text);
    str_clear(&when);
    service_state_clear(&state);
}

static void check_listener(struct check *c)
{
    const struct strlist *listen = &c->site->config.service.listen;
    for (size_t i = 0; i < listen->n; i++) {
        struct error err;
        struct str text = {0};
        c->since = clock_now();
        if (listen_probe(&text, c->site, listen->item[i], &err))
            show_step(c, "listen", str_text(&text), NULL);
        else
            fail(c, "listen", &err);
        str_clear(&text);
    }
}

/* What does not depend on an account: the units, and what the service that answers has read. */
static void check_machine(struct check *c)
{
    struct error err;
    struct str text = {0};
    c->since = clock_now();
    struct stream *line = service_client_open(c->site->paths, &err);
    bool answers = line != NULL;
    stream_close(line);
    bool active = units_show(&text, &err);
    if (!answers && text.len == 0 && c->site->config.service.listen.n == 0)
        return; /* no service: each account says whether it needs one */
    (void)printf("%s\n", _("service"));
    if (!active && !answers)
        fail(c, "units", &err);
    else if (text.len > 0)
        show_step(c, "units", str_text(&text), NULL);
    if (answers)
        check_configuration_of_service(c);
    check_listener(c);
    str_clear(&text);
}

static bool has_system_account(const struct check *c, const char *name)
{
    for (size_t i = 0; i < c->site->config.n; i++) {
        const struct account *a = c->site->config.account[i];
        if (a->scope == SCOPE_SYSTEM && (!*name || strcmp(a->name, name) == 0))
            return true;
    }
    return false;
}

static void check_account(struct check *c, const struct account *a)
{
    const struct identity_facts facts = {
        .site = c->site, .caller = &c->site->caller, .header_from = ""};
    struct identity identity;
    struct error err;
    if (a->line)
        (void)printf(_("account %s (%s:%d)\n"), a->name, a->file, a->line);
    else
        (void)printf(_("account %s (%s)\n"), a->name, _(a->file));
    c->since = clock_now();
    bool ok = identity_make(&identity, a, &facts, &err);
    show_step(c, "settings", "", ok ? NULL : &err);
    if (fence_hindrance(a))
        (void)printf(_("  --   deliveries of this account are not confined: %s\n"),
                     _(fence_hindrance(a)));
    if (*a->fallback)
        (void)printf(_("  --   fallback: account %s, once this one has failed for %lld seconds\n"),
                     a->fallback, (long long)(a->fallback_after / 1000));
    int code = ok ? EX_OK : verdict_code(&err);
    if (ok && a->scope == SCOPE_SYSTEM && (!a->as_msmtp || a->queue))
        code = check_system_account(c, identity.account);
    else if (ok)
        code = c->for_service ? try_login_as_service(c, identity.account)
                              : try_login(c, identity.account);
    if (code == EX_OK)
        (void)printf("  %s\n", _("everything works; nothing was sent"));
    else if (c->code == EX_OK)
        c->code = code;
    identity_clear(&identity);
}

/* What the system's files say is not what the service sends by while they are broken. */
static void report_service(const struct check *c)
{
    struct error ignored; /* no service, nothing to say of it */
    struct service_state state;
    struct str when = {0};
    if (!service_state_ask(&state, c->site, &ignored))
        return;
    add_time(&when, state.read_at);
    if (state.read_at)
        report_line(c->site->program,
                    "the service is running and uses the configuration it read before, %s",
                    str_text(&when));
    str_clear(&when);
    service_state_clear(&state);
}

static int check_all(struct check *c, const char *file, const char *account)
{
    struct error err;
    if (!site_configure(c->site, file, &err)) {
        report_error(c->site->program, &err);
        report_service(c);
        return err.code;
    }
    show_files(c);
    show_confinement();
    if (*account && !configuration_account(&c->site->config, account)) {
        report_line(c->site->program, "there is no account '%s'", account);
        return EX_CONFIG;
    }
    if (c->site->config.n == 0) {
        report_line(c->site->program,
                    "there is no account: write %s/onehop/onehop.ini or %s/onehop/onehop.ini",
                    c->site->caller.config_home, c->site->paths->sysconfdir);
        report_service(c);
        return EX_CONFIG;
    }
    if (has_system_account(c, account))
        check_machine(c);
    for (size_t i = 0; i < c->site->config.n; i++)
        if (!*account || strcmp(c->site->config.account[i]->name, account) == 0)
            check_account(c, c->site->config.account[i]);
    return c->code;
}

int check_run(const char *account, struct site *site)
{
    return check_file(NULL, account, false, site);
}

int check_file(const char *file, const char *account, bool for_service, struct site *site)
{
    struct check c = {.site = site, .for_service = for_service};
    int code = check_all(&c, file, account);
    if (help_flush() != EX_OK && code == EX_OK)
        code = EX_IOERR;
    return code;
}
