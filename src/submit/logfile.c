#include "config.h"
#include "submit/logfile.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "delivery/log_path.h"

static void add_time(struct str *out, const char *format)
{
    if (strcmp(format, "none") == 0)
        return;
    if (clock_add_local(out, clock_wall(), *format ? format : "%b %d %H:%M:%S"))
        str_add_char(out, ' ');
}

/* One write, which O_APPEND puts behind what is there, whatever others write. A lock would let
 * a user who may only read the file hold up every delivery. */
static bool append(const char *path, const struct str *lines, struct error *err)
{
    int fd = log_path_open(path);
    if (fd < 0)
        return error_system(err, EX_CANTCREAT, "cannot log to %s: cannot open", path);
    errno = ENOSPC; /* what a write that comes short means */
    bool ok = write(fd, lines->data, lines->len) == (ssize_t)lines->len ||
              error_system(err, EX_IOERR, "cannot log to %s", path);
    if (close(fd) != 0 && ok)
        ok = error_system(err, EX_IOERR, "cannot log to %s", path);
    return ok;
}

void logfile_add_line(const struct log_record *record, struct str *out)
{
    const struct account *account = record->facts->account;
    char host[HOST_NAME_MAX + 1] = "";
    if (account->log_format != LOG_FORMAT_JSON)
        add_time(out, account->logfile_time_format);
    if (account->log_format == LOG_FORMAT_POSTFIX) {
        (void)gethostname(host, sizeof host - 1); /* a short array is no reason not to log */
        str_addf(out, "%s %s[%ld]: ", host, record->program, (long)getpid());
    }
    str_addf(out, "%s\n", record->text);
}

bool logfile_append(const char *path, const struct str *lines, struct error *err)
{
    if (strcmp(path, "-") != 0)
        return append(path, lines, err);
    /* A worker ends without flushing. */
    return (fwrite(lines->data, 1, lines->len, stdout) == lines->len && fflush(stdout) == 0) ||
           error_system(err, EX_IOERR, "cannot log to standard output");
}
