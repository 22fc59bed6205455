#include "config.h"
#include "ctl/as_service.h"

#include <stdio.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/clock.h"
#include "delivery/account_access.h"
#include "delivery/spoolpath.h"
#include "submit/serviceuser.h"

int as_service_run(int (*run)(void *context),
                   void (*failed)(void *context, const struct error *err), void *context)
{
    struct error err;
    (void)fflush(stdout); /* or the child prints it again */
    pid_t child = fork();
    if (child == 0) {
        int code = EX_OSERR;
        if (serviceuser_become(&err))
            code = run(context);
        else
            failed(context, &err);
        (void)fflush(stdout); /* the parent cannot tell either */
        _exit(code);
    }
    int status = channel_end(-1, child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : EX_OSERR;
}

void as_service_resume(const struct site *site, const struct account *account)
{
    struct spool spool = {0};
    struct str path = {0};
    struct error ignored; /* no queue, nothing waits in it */
    if (spoolpath_find(&path, site, account->scope) &&
        spool_open(&spool, str_text(&path), false, &ignored))
        account_access_verified(&spool, account, clock_wall());
    spool_close(&spool);
    str_clear(&path);
}
