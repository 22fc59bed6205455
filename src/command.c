#include "config.h"
#include "command.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>
#ifdef HAVE_MALLOPT
#include <malloc.h>
#endif

#include "base/translation.h"
#include "cli/caller_find.h"
#include "cli/invocation.h"
#include "cli/language.h"
#include "submit/help.h"
#include "submit/report.h"
#include "submit/send.h"
#include "submit/stdio_session.h"
#include "submit/verify.h"
#include "ctl/configure.h"
#include "ctl/control.h"
#include "ctl/queuectl.h"
#include "ctl/queuerun.h"
#include "ctl/serverinfo.h"
#include "service/service.h"

enum { HEAP_STEP = 1024 * 1024 };

/* A caller may have closed any of the first three descriptors; the next file opened would take its
 * place and get our messages, or become the mail. */
static void fill_standard_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            (void)open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY); /* takes the lowest: FD */
}

#ifdef HAVE_MALLOPT
/* The system's trust store is a hundred certificates; glibc would ask the kernel for each of them.
 */
static void grow_heap_in_steps(void)
{
    (void)mallopt(M_TOP_PAD, HEAP_STEP);
}
#else
static void grow_heap_in_steps(void)
{
}
#endif

static void prepare_process(void)
{
    grow_heap_in_steps();
    fill_standard_descriptors();
    (void)signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of write(), not our end */
    (void)signal(SIGXFSZ, SIG_IGN); /* so is a file size limit */
    (void)umask(077);
}

static int run_queue(const struct invocation *call, struct site *site)
{
    const struct queuerun want = {
        .verbose = call->verbose,
        .filter = {.id = call->queue.id,
                   .account = call->wishes.account,
                   .recipient = call->queue.recipient,
                   .sender = call->queue.sender,
                   .ignore_times = !call->queue.only_due,
                   .by_person = !call->queue.only_due && isatty(STDIN_FILENO)},
    };
    FILE *report = call->verbose || isatty(STDERR_FILENO) ? stderr : NULL; /* cron mails output */
    return queuerun_run(&want, site, call->file, report);
}

static int list_queue(const struct invocation *call, struct site *site)
{
    const struct queuectl want = {.site = site, .out = stdout, .err = stderr};
    queuectl_configure(site, call->file);
    return queuectl_list(&want, false, false);
}

#ifdef HAVE_SERVICE
static int serve(struct site *site)
{
    translation_end(); /* it speaks to logs and to other processes */
    return service_run(site);
}
#else
static int serve(struct site *site)
{
    report_line(site->program, "this onehop was built without the service (--disable-service)");
    return EX_UNAVAILABLE;
}
#endif

static int invoke(const struct invocation *call, struct site *site)
{
    switch (call->mode) {
    case INVOKE_SEND:
    case INVOKE_PRINT:
        return send_run(call, site);
    case INVOKE_LIST_QUEUE:
        return list_queue(call, site);
    case INVOKE_RUN_QUEUE:
        return run_queue(call, site);
    case INVOKE_SERVE:
        return serve(site);
    case INVOKE_STDIO_SESSION:
        return stdio_session_run(call, site);
    case INVOKE_SERVERINFO:
    case INVOKE_RMQS:
        return serverinfo_run(call, site);
    case INVOKE_CONFIGURE:
        return configure_run(call, site);
    case INVOKE_VERIFY:
        return verify_run(call, site);
    case INVOKE_VERSION:
    case INVOKE_HELP:
    case INVOKE_ALIASES:
    case INVOKE_NOTHING:
        break;
    }
    return EX_SOFTWARE;
}

static int invoke_on_site(const struct invocation *call, const struct paths *paths)
{
    struct site site;
    site_open(&site, call->program, paths, caller_find);
    site.caller.as_msmtp = call->personality == PERSONALITY_MSMTP;
    site.caller.as_sendmail = call->personality == PERSONALITY_SENDMAIL;
    int code = invoke(call, &site);
    site_close(&site);
    return code;
}

/* What needs to know neither caller nor machine does not ask. */
static int run(const struct invocation *call, const struct paths *paths)
{
    switch (call->mode) {
    case INVOKE_VERSION:
        return help_version(call->program);
    case INVOKE_HELP:
        return help_usage(call->program);
    case INVOKE_ALIASES: /* the file is read as it is: there is nothing to rebuild */
    case INVOKE_NOTHING:
        return EX_OK;
    default:
        return invoke_on_site(call, paths);
    }
}

int command_run(int argc, char **argv, const struct paths *paths)
{
    prepare_process();
    language_choose(paths->localedir);
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    const char *name = slash ? slash + 1 : argc > 0 ? argv[0] : "sendmail";
    if (strcmp(name, "onehopctl") == 0)
        return control_run(argc, argv, paths);

    struct invocation call;
    struct error err;
    int code;
    if (invocation_parse(&call, argc, argv, &err)) {
        code = run(&call, paths);
    } else {
        report_drain_input();
        report_line(call.program, "%s", error_shown(&err));
        code = err.code;
    }
    invocation_clear(&call);
    return code;
}
