#include "config.h"
#include "submit/first_try.h"

#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/confine.h"
#include "delivery/fence.h"
#include "submit/send_context.h"

void first_try_end(struct send_context *s)
{
    if (s->passwords.elsewhere)
        password_helper_end(&s->helper);
    s->passwords.elsewhere = NULL;
}

void first_try_confine(void *context, const struct account *account)
{
    struct send_context *s = context;
    const struct fence_delivery fence = {
        .account = account,
        .other = s->submission.account,
        .site = s->site,
        .spool = s->spool,
    };
    if (s->here || s->several || confine_is_debugged() || fence_hindrance(account))
        return;
    if (connection_asks_twice(account)) {
        password_helper_start(&s->helper, account, &s->passwords);
        s->passwords.elsewhere = &s->helper;
        s->passwords.ask_elsewhere = password_helper_ask;
    }
    (void)fence_delivery(&fence);
}

static _Noreturn void try_here(struct send_context *s, int fd, int (*try)(void *context),
                               void *context)
{
    s->several = false;
    int code = try(context);
    first_try_end(s);
    (void)(channel_write(fd, &code, sizeof code) &&
           channel_write(fd, &s->error, sizeof s->error)); /* else nobody waits */
    (void)fflush(stderr); /* of a file nothing was written that stays */
    _exit(EX_OK);
}

int first_try_run(struct send_context *s, int (*try)(void *context), void *context)
{
    int fd, code;
    pid_t child = s->several ? channel_fork(&fd) : -1;
    if (child < 0)
        return try(context);
    if (child == 0)
        try_here(s, fd, try, context);
    struct error heard;
    if (channel_read(fd, &code, sizeof code) && channel_read(fd, &heard, sizeof heard)) {
        s->error = heard;
    } else {
        code = -1;
        (void)error_set(&s->error, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL,
                        "the delivery process has ended");
    }
    (void)channel_end(fd, child); /* it has said what there was to say */
    return code;
}
