/* What every command of a call works with: the places that were compiled in, whose call it is, what
 * this machine is called, what was configured. It is opened once and handed on. */
#ifndef SITE_H
#define SITE_H

#include <stdbool.h>

#include "config/configuration.h"
#include "config/thishost.h"
#include "cli/caller.h"

struct site {
    const char *program; /* for messages and the log */
    const struct paths *paths;
    struct caller caller;
    struct this_host host;
    struct configuration config; /* empty until it is read */
    bool configured;             /* it was read */
    struct caller_storage storage;
};

/* Finds caller and host, and reads no configuration. Close with site_close(). */
void site_open(struct site *site, const char *program, const struct paths *paths);

/* Reads the configuration as configuration_read() does, with FILE for -C, or NULL. On failure what
 * was read before stays. */
bool site_configure(struct site *site, const char *file, struct error *err);

void site_close(struct site *site);

#endif
