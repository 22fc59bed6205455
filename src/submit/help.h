/* Texts that are asked for. All go to standard output and return the exit status. */
#ifndef HELP_H
#define HELP_H

#include <stdbool.h>

int help_version(const char *program); /* as msmtp, it begins like msmtp's */
int help_usage(const char *program);

/* "SECTION KEY" and the options' names, one a line, for programs: tests/manual reads them. */
int help_keys(void);
int help_options(void);

/* True if standard output is a pipe that nobody reads any more: `mailq | head` is no failure. */
bool help_reader_left(void);

/* Ends a command that printed to standard output: EX_IOERR if not all of it could be written, unless
 * its reader left. */
int help_flush(void);

#endif
