/* What every command of a call works with: the places that were compiled in, whose call it is, what
 * this machine is called, what was configured. It is opened once and handed on. */
#ifndef SITE_H
#define SITE_H

#include <stdbool.h>
#include <stdint.h>

#include "config/caller.h"
#include "config/configuration.h"
#include "config/thishost.h"

struct site {
    const char *program; /* for messages and the log */
    const struct paths *paths;
    struct caller caller;
    struct this_host host;
    struct configuration config; /* empty until it is read */
    bool configured;             /* it was read */
    struct caller_storage storage;
    struct str seen; /* site_refresh(): what its files were */
    char *broken;    /* site_refresh(): why there is no configuration, NULL if there is one */
    char *rejected;  /* the same: why the files as they are now are not used, NULL if they are */
    char *listener_rejected; /* the same of what the listener for the network depends on */
    int64_t read_at; /* when the configuration was read, seconds since the epoch; 0: it was not */
};

/* Finds the caller by FIND (cli/caller_find.h) and the host, and reads no configuration. PROGRAM
 * and PATHS are borrowed. Close with site_close(). */
void site_open(struct site *site, const char *program, const struct paths *paths,
               void (*find)(struct caller *caller, struct caller_storage *storage));

/* Reads the configuration as configuration_read() does, with FILE for -C, or NULL. On failure what
 * was read before stays. */
bool site_configure(struct site *site, const char *file, struct error *err);

/* Reads the user's files alone, for a caller whom the system's, which are broken, need not concern.
 */
bool site_configure_user(struct site *site, struct error *err);

/* Reads the configuration if one of its files is another than at the last call (inode, size, time).
 * False, once for each change: what is there now is broken, or has lost all accounts, and ERR says
 * so; the accounts that were there before stay, and where there were none `broken` says why. */
bool site_refresh(struct site *site, struct error *err);

/* Why the files as they are now are not used, those of the listener included; NULL: they are. */
const char *site_rejected(const struct site *site);

void site_close(struct site *site);

#endif
