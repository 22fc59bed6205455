#include "config.h"
#include "ctl/control.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/escape.h"
#include "base/translation.h"
#include "cli/caller_find.h"
#include "submit/help.h"
#include "submit/report.h"
#include "ctl/check.h"
#include "ctl/completion.h"
#include "ctl/convert.h"
#include "ctl/health.h"
#include "ctl/loginctl.h"
#include "ctl/metrics.h"
#include "ctl/passwd.h"
#include "ctl/providers.h"
#include "ctl/queuectl.h"
#include "ctl/queuerun.h"
#include "ctl/setup.h"
#include "ctl/status.h"

static const char program[] = "onehopctl";

struct verb {
    const char *name;
    const char *arguments;
    int max_arguments;
    int (*run)(int argc, char **argv, struct site *site);
    const char *help;
};

static int run_check(int argc, char **argv, struct site *site)
{
    return check_run(argc > 0 ? argv[0] : "", site);
}

static int run_queue(int argc, char **argv, struct site *site)
{
    bool json = false, failed = false;
    for (int i = 0; i < argc; i++) {
        bool is_json = strcmp(argv[i], "--json") == 0;
        if (!is_json && strcmp(argv[i], "--failed") != 0) {
            report_line(program, "queue knows --json and --failed, not '%s'", argv[i]);
            return EX_USAGE;
        }
        json = json || is_json;
        failed = failed || !is_json;
    }
    const struct queuectl want = {.site = site, .out = stdout, .err = stderr};
    queuectl_configure(site, NULL);
    return queuectl_list(&want, json, failed);
}

static int run_flush(int argc, char **argv, struct site *site)
{
    struct queuerun want = {
        .filter = {.id = "",
                   .account = "",
                   .recipient = "",
                   .sender = "",
                   .ignore_times = true,
                   .by_person = true},
    };
    bool named = argc == 2 && strcmp(argv[0], "--account") == 0;
    if (named)
        want.filter.account = argv[1];
    else if (argc == 1 && argv[0][0] != '-')
        want.filter.id = argv[0];
    else if (argc > 0) {
        report_line(program, "flush takes an id, or --account NAME");
        return EX_USAGE;
    }
    int code = queuerun_run(&want, site, NULL, stdout);
    return code == EX_OK ? help_flush() : code;
}

static int act(int argc, char **argv, struct site *site, enum queuectl_act what)
{
    const struct queuectl want = {.site = site, .out = stdout, .err = stderr};
    if (argc == 1) {
        queuectl_configure(site, NULL);
        return queuectl_act(&want, what, argv[0]);
    }
    report_line(program, "an id is missing; `onehopctl queue` shows them");
    return EX_USAGE;
}

static int run_show(int argc, char **argv, struct site *site)
{
    return act(argc, argv, site, QUEUECTL_SHOW);
}

static int run_hold(int argc, char **argv, struct site *site)
{
    return act(argc, argv, site, QUEUECTL_HOLD);
}

static int run_release(int argc, char **argv, struct site *site)
{
    return act(argc, argv, site, QUEUECTL_RELEASE);
}

static int run_delete(int argc, char **argv, struct site *site)
{
    return act(argc, argv, site, QUEUECTL_DELETE);
}

static int run_version(int argc, char **argv, struct site *site)
{
    (void)argc, (void)argv, (void)site;
    return help_version(program);
}

static int run_help(int argc, char **argv, struct site *site);
static int run_complete(int argc, char **argv, struct site *site);

static const struct verb verbs[] = {
    {"check", "[ACCOUNT]", 1, run_check,
     N_("try configuration, name, connection, TLS and login; send nothing")},
    {"login", "ACCOUNT [--device]", 2, loginctl_run,
     N_("let an account send with OAuth 2.0 tokens, as the person in front of it")},
    {"setup", "ADDRESS [OPTION ...]", 32, setup_run,
     N_("write an account for an address, try its login, start what it needs")},
    {"providers", "[--json] [DOMAIN]", 2, providers_run, N_("list the providers that are known")},
    {"convert", "[--secrets FILE] [FILE]", 3, convert_run,
     N_("print a configuration of msmtp, ssmtp, nullmailer or dma as INI")},
    {"queue", "[--json] [--failed]", 2, run_queue, N_("list what waits, or what was given up")},
    {"show", "ID", 1, run_show, N_("show an entry")},
    {"flush", "[ID | --account NAME]", 2, run_flush, N_("deliver now what waits")},
    {"status", "[-w COUNT,AGE] [-c COUNT,AGE]", 4, status_run,
     N_("say in one line, and by the exit status, whether mail flows, for monitoring")},
    {"metrics", "", 0, metrics_run, N_("print counts and times for Prometheus")},
    {"health", "[AGE]", 1, health_run,
     N_("say by the exit status whether mail is attended to, for containers")},
    {"hold", "ID", 1, run_hold, N_("hold an entry back")},
    {"release", "ID", 1, run_release, N_("let an entry go that was held or given up")},
    {"delete", "ID", 1, run_delete, N_("delete an entry")},
    {"passwd", "USER", 1, passwd_run, N_("print a line for the file of users of the listener")},
    {"version", "", 0, run_version, N_("show the version")},
    {"help", "[keys|options]", 1, run_help, N_("this list; all keys; all options")},
    {"complete", "WORD ...", INT_MAX, run_complete, ""}, /* for shells */
};
static const size_t verb_count = sizeof verbs / sizeof *verbs;

static int run_help(int argc, char **argv, struct site *site)
{
    (void)site;
    if (argc > 0 && strcmp(argv[0], "keys") == 0)
        return help_keys();
    if (argc > 0 && strcmp(argv[0], "options") == 0)
        return help_options();
    (void)printf("%s\n\n", _("Usage: onehopctl VERB [ARGUMENT]"));
    for (size_t i = 0; i < verb_count && *verbs[i].help; i++)
        (void)printf("  %-10s %-22s %s\n", verbs[i].name, verbs[i].arguments, _(verbs[i].help));
    return help_flush();
}

static int run_complete(int argc, char **argv, struct site *site)
{
    struct completion_verb list[sizeof verbs / sizeof *verbs + 1] = {0};
    for (size_t i = 0; i < verb_count && *verbs[i].help; i++)
        list[i] = (struct completion_verb){verbs[i].name, verbs[i].arguments, verbs[i].help};
    return completion_run(list, argc, argv, site);
}

static int run_verb(const struct verb *verb, int argc, char **argv, const struct paths *paths)
{
    struct site site;
    site_open(&site, program, paths, caller_find);
    int code = verb->run(argc, argv, &site);
    site_close(&site);
    return code;
}

int control_run(int argc, char **argv, const struct paths *paths)
{
    if (argc < 2) {
        (void)run_help(0, NULL, NULL);
        return EX_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "--version") == 0)
        name += 2;
    for (int i = 1; i < argc; i++)
        if (escape_has_control(argv[i])) {
            report_line(program, "argument %d contains a control character", i);
            return EX_USAGE;
        }
    for (size_t i = 0; i < verb_count; i++) {
        if (strcmp(verbs[i].name, name) != 0)
            continue;
        if (argc - 2 <= verbs[i].max_arguments)
            return run_verb(&verbs[i], argc - 2, argv + 2, paths);
        report_line(program, "too many arguments: %s %s", name, verbs[i].arguments);
        return EX_USAGE;
    }
    report_line(program, "there is no verb '%s'; `onehopctl help` lists them", name);
    return EX_USAGE;
}
