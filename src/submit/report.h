/* What a person or a log gets to read. */
#ifndef REPORT_H
#define REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"
#include "message/outcome.h"
#include "config/account.h"
#include "delivery/logline.h"

enum { REPORT_RECIPIENTS_MAX = 20 }; /* refused recipients reported one by one */

/* One line on standard error: "PROGRAM: TEXT", FORMAT in the caller's language. */
void report_line(const char *program, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same on OUT. */
void report_line_to(FILE *out, const char *program, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void report_error_to(FILE *out, const char *program, const struct error *err);

/* An error in msmtp's shape: the text, then "server message: ..." for each line of the reply. */
void report_error(const char *program, const struct error *err);

/* Each refused recipient with its reason; more than REPORT_RECIPIENTS_MAX are counted. */
void report_refusals(const char *program, const struct envelope *env,
                     const struct outcome *outcomes);

/* Writes FACTS in the form of the account's log_format to its logfile and to the system's log;
 * without an account, to the latter as mail. A failure to log is reported on standard error and
 * changes nothing else. */
void report_log(const char *program, const struct logline *facts);

/* Reads standard input to its end, unless it is a terminal or silent for some seconds: a caller
 * that is still writing then gets our error instead of SIGPIPE. */
void report_drain_input(void);

#endif
