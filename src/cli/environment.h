/* The environment, read in this folder and nowhere else: what it says becomes a value that is
 * handed down. */
#ifndef ENVIRONMENT_H
#define ENVIRONMENT_H

#include <stdbool.h>

/* The value of the variable NAME; "" if there is none. Borrowed. */
const char *environment_get(const char *name);

/* All of it, each "NAME=VALUE", NULL at the end. Borrowed. */
char *const *environment_all(void);

/* Hides the variable NAME from programs that are started. */
void environment_drop(const char *name);

/* True if a web server seems to call: a variable of CGI is set, the user is one that web servers
 * run as, or the process that calls, or one of the two above it, has the name of a web server or of
 * PHP's process manager. */
bool environment_is_web(void);

/* The directory for files without a name: $TMPDIR if that is a full path, else /tmp. Borrowed. */
const char *environment_temporary(void);

#endif
