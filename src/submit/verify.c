#include "config.h"
#include "submit/verify.h"

#include <fcntl.h>
#include <stdio.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/translation.h"
#include "submit/help.h"
#include "submit/report.h"
#include "submit/send.h"
#include "submit/send_context.h"

static void print_recipient(const struct send_context *s, const char *address)
{
    const struct account *a = s->submission.account;
    struct str server = {0}, line = {0};
    if (*a->socket || *a->maildir)
        str_add(&server, *a->socket ? a->socket : a->maildir);
    else
        str_addf(&server, "%s:%d", a->host.n ? a->host.item[0] : "", account_port(a));
    str_addf(&line, _("%s: account %s, server %s, sender <%s>"), address, a->name,
             str_text(&server), s->submission.envelope.sender);
    (void)escape_text(line.data, line.len);
    (void)printf("%s\n", line.data);
    str_clear(&server);
    str_clear(&line);
}

static bool find_out(struct send_context *s, struct error *err)
{
    if (!submission_read(&s->submission, err) || !send_choose_account(s, err) ||
        !submission_finish(&s->submission, (time_t)clock_wall(), err))
        return false;
    for (size_t i = 0; i < s->submission.envelope.n; i++)
        print_recipient(s, s->submission.envelope.rcpt[i].address);
    return true;
}

int verify_run(const struct invocation *call, struct site *site)
{
    struct send_context s = {0};
    struct error err;
    int code = EX_OSERR;
    send_context_begin(&s, call, site);
    s.source.fd = open("/dev/null", O_RDONLY | O_CLOEXEC); /* there is no message */
    if (s.source.fd < 0) {
        report_line(call->program, "cannot open /dev/null");
    } else if (find_out(&s, &err)) {
        code = help_flush();
    } else {
        report_error(call->program, &err);
        code = err.code;
    }
    if (s.source.fd >= 0)
        (void)close(s.source.fd); /* nothing was written */
    send_context_clear(&s);
    return code;
}
