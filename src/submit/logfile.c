#include "config.h"
#include "submit/logfile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "delivery/log_path.h"

enum { TIME_MAX = 256 };

static void add_time(struct str *out, const char *format)
{
    char text[TIME_MAX] = "";
    struct tm local;
    time_t now = (time_t)clock_wall();
    if (strcmp(format, "none") == 0)
        return;
    if (!*format)
        format = "%b %d %H:%M:%S";
    if (localtime_r(&now, &local) && strftime(text, sizeof text, format, &local) > 0)
        str_addf(out, "%s ", text);
}

/* One write, which O_APPEND puts behind what is there, whatever others write. A lock would let who
 * may only read the file hold up every delivery. */
static bool append(const char *path, const struct str *line, struct error *err)
{
    int fd = log_path_open(path);
    if (fd < 0)
        return error_system(err, EX_CANTCREAT, "cannot log to %s: cannot open", path);
    errno = ENOSPC; /* what a write that comes short means */
    bool ok = write(fd, line->data, line->len) == (ssize_t)line->len ||
              error_system(err, EX_IOERR, "cannot log to %s", path);
    if (close(fd) != 0 && ok)
        ok = error_system(err, EX_IOERR, "cannot log to %s", path);
    return ok;
}

/* Never closed: a run logs thousands of lines, and the descriptor is closed on exec. */
static void send_to_syslog(const char *program, int facility, const char *line, bool success)
{
    openlog(strcmp(program, "msmtp") == 0 ? "msmtp" : "onehop", 0, facility);
    syslog(success ? LOG_INFO : LOG_ERR, "%s", line);
}

bool logfile_write(const char *program, const struct account *account, const char *line,
                   bool success, struct error *err)
{
    if (!account) {
        send_to_syslog(program, LOG_MAIL, line, success);
        return true;
    }
    int facility = account_syslog_facility(account);
    if (facility >= 0)
        send_to_syslog(program, facility, line, success);
    if (!*account->logfile)
        return true;
    struct str text = {0};
    add_time(&text, account->logfile_time_format);
    str_addf(&text, "%s\n", line);
    bool ok = true;
    if (strcmp(account->logfile, "-") == 0)
        ok = fwrite(text.data, 1, text.len, stdout) == text.len ||
             error_system(err, EX_IOERR, "cannot log to standard output");
    else
        ok = append(account->logfile, &text, err);
    str_clear(&text);
    return ok;
}
