/* The account's log file. */
#ifndef LOGFILE_H
#define LOGFILE_H

#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"
#include "delivery/logresult.h"

/* Appends RECORD to OUT as a line of its account's logfile: the time in front, in Postfix' form
 * time, host and program with its process id, as syslogd writes them, in JSON nothing. */
void logfile_add_line(const struct log_record *record, struct str *out);

/* Appends LINES to the file PATH ("-" is standard output) in one write. False: it could not be
 * written. */
bool logfile_append(const char *path, const struct str *lines, struct error *err);

#endif
