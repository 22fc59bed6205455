/* Configuration files of a user and of the system, in a directory of their own, for tests. */
#ifndef CONFIGDIR_H
#define CONFIGDIR_H

#include "config/configuration.h"
#include "scratch.h"

static char sysconfdir[128], config_home[128], pkgdatadir[128];
static struct caller caller = {.name = "me", .home = "/home/me", .config_home = config_home};

/* Makes the directory; the caller's home is not in it, config_home is. */
static inline int configdir_setup(void **state)
{
    if (scratch_setup(state) != 0)
        return -1;
    snprintf(sysconfdir, sizeof sysconfdir, "%s/etc", scratch);
    snprintf(config_home, sizeof config_home, "%s/home", scratch);
    snprintf(pkgdatadir, sizeof pkgdatadir, "%s/share", scratch);
    caller.uid = geteuid();
    return 0;
}

/* Writes TEXT; NULL: the file does not exist. */
static inline void write_config(const char *name, mode_t mode, const char *text)
{
    if (text)
        scratch_write(name, mode, text, strlen(text));
    else
        (void)unlink(scratch_path(name));
}

/* The user's onehop.ini and the system's. */
static inline void place_both(const char *user, const char *system)
{
    write_config("home/onehop/onehop.ini", 0600, user);
    write_config("etc/onehop/onehop.ini", 0644, system);
}

#endif
