#include "config.h"
#include "ctl/health.h"

#include <inttypes.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/translation.h"
#include "delivery/spoolpath.h"
#include "submit/help.h"
#include "submit/service_client.h"

enum { PATIENCE = 3600, SECOND = 1000 };

bool health_judge(const struct observation *seen, int64_t patience, int64_t now, struct str *line)
{
    if (seen->configuration) {
        str_addf(line, "the configuration is not used: %s", seen->configuration);
        return false;
    }
    if (seen->unattended_since != 0 && now - seen->unattended_since > patience) {
        str_addf(line, "mail waits, and nothing has run the queue for %" PRId64 " minutes",
                 (now - seen->unattended_since) / 60);
        return false;
    }
    for (size_t i = 0; i < seen->n; i++) {
        const struct observed_account *account = &seen->account[i];
        if (account->failing_since == 0 || now - account->failing_since <= patience)
            continue;
        str_addf(line, "account %s fails (%s) for %" PRId64 " minutes", account->name,
                 observation_causes[account->cause], (now - account->failing_since) / 60);
        return false;
    }
    str_addf(line, "messages waiting: %" PRIu64, seen->queue[OBSERVATION_WAITING].messages);
    return true;
}

/* A queue that is not there yet is made by the first message. */
static bool check_queue(const struct site *site, struct error *err)
{
    struct str path = {0};
    bool ok = !spoolpath_find(&path, site, SCOPE_USER) || access(str_text(&path), F_OK) != 0 ||
              access(str_text(&path), W_OK) == 0 ||
              error_system(err, EX_TEMPFAIL, "cannot write to %s", str_text(&path));
    str_clear(&path);
    return ok;
}

/* Where a service has listened there must be one. */
static bool check_service(const struct site *site, struct error *err)
{
    struct str path = {0};
    struct stream *line = service_client_open(site->paths, err);
    str_addf(&path, "%s/submit", site->paths->rundir);
    bool ok = line || (access(str_text(&path), F_OK) != 0 && check_queue(site, err));
    stream_close(line);
    str_clear(&path);
    return ok;
}

int health_run(int argc, char **argv, struct site *site)
{
    struct observation seen = {0};
    struct str line = {0};
    struct error err;
    int64_t patience = (int64_t)PATIENCE * SECOND;
    bool ok = argc == 0 || observation_read_age("the age", argv[0], &patience, &err);
    if (ok) {
        observation_configure(&seen, site);
        ok = check_service(site, &err) && observation_make(&seen, site, &err);
    }
    if (ok)
        ok = health_judge(&seen, patience / SECOND, clock_wall(), &line);
    else
        str_add(&line, err.text);
    (void)escape_text(line.data, line.len);
    (void)printf("%s: %s\n", ok ? "healthy" : "unhealthy", line.data);
    observation_clear(&seen);
    str_clear(&line);
    return help_flush() == 0 && ok ? 0 : 1;
}
