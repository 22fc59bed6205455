#include "config.h"
#include "ctl/setup_system.h"

#include <stdio.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/process.h"
#include "base/str.h"
#include "base/translation.h"
#include "submit/service_client.h"
#include "submit/serviceuser.h"
#include "ctl/setup_file.h"
#include "ctl/units.h"

enum { OUTPUT_MAX = 64 * 1024, COMMAND_TIME = 60 * 1000 };

static bool run(const char *command, struct error *err)
{
    struct str out = {0};
    (void)printf(_("run        %s\n"), command);
    (void)fflush(stdout);
    bool ok = process_output(command, clock_after(COMMAND_TIME), OUTPUT_MAX, &out, err);
    str_clear(&out);
    return ok;
}

bool setup_system_prepare(const struct site *site, uid_t *uid, gid_t *gid, struct error *err)
{
    static const char make_user[] =
        "systemd-sysusers onehop.conf 2>/dev/null || useradd --system --home-dir /nonexistent "
        "--shell /usr/sbin/nologin " SERVICE_USER;
    if (!serviceuser_find(uid, gid) && (!run(make_user, err) || !serviceuser_find(uid, gid)))
        return error_set(err, ERROR_ACCOUNT, ERROR_PERMANENT, EX_NOUSER,
                         "there is no user %s, and it could not be made", SERVICE_USER);
    const struct setup_owner open = {*uid, *gid, 0755}, closed = {*uid, *gid, 0700};
    return setup_file_directory(site->paths->rundir, &open, err) &&
           setup_file_directory(site->paths->statedir, &closed, err);
}

/* systemd listens as soon as the socket unit is active. */
static bool answers(const struct site *site, struct error *err)
{
    struct stream *line = service_client_open(site->paths, err);
    if (!line)
        return error_prefix(err, "the service was started and does not answer");
    stream_close(line);
    (void)printf(_("service    %s/submit answers\n"), site->paths->rundir);
    return true;
}

bool setup_system_start(const struct site *site, struct error *err)
{
    static const char start[] = "systemctl enable --now onehop.socket && "
                                "systemctl enable onehop.service && "
                                "systemctl restart onehop.service";
    if (!units_are_here()) {
        (void)printf("%s\n", _("next       start the service: onehop -bd -q5m"));
        return true;
    }
    if (run(start, err))
        return answers(site, err);
    (void)error_prefix(err, "the account was written, and the service was not started");
    err->code = EX_UNAVAILABLE;
    return false;
}

void setup_system_show_undo(void)
{
    if (units_are_here())
        (void)printf("           systemctl disable --now onehop.socket onehop.service\n");
}
