/* Whose call it is, as a value. */
#ifndef CALLER_H
#define CALLER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/str.h"

/* Made from the environment and the password database by cli/caller_find.c. */
struct caller {
    uid_t uid;
    const char *name;        /* login name, or the uid in digits where there is no passwd entry */
    const char *full_name;   /* GECOS up to the first comma; "" if none */
    const char *home;        /* verified: exists and belongs to uid, else "" */
    const char *config_home; /* $XDG_CONFIG_HOME if absolute and the caller's, else HOME/.config */
    const char *state_home;  /* likewise $XDG_STATE_HOME, HOME/.local/state */
    bool as_msmtp;           /* called by the name msmtp: an msmtprc comes before an INI file */
    bool as_sendmail; /* called by sendmail's name, or by way of the service: mail is kept, and
                         senders are replaced, whatever kind of file has the account */
    const char *user; /* %U: $USER, $LOGNAME, getlogin(3), name, the first there is */
    const char *host; /* %H: $HOSTNAME, "" for none */
    const char *credentials; /* where a service manager or a container runtime puts secrets:
                                $CREDENTIALS_DIRECTORY, else the site's secretsdir; or "" */
    const char *path;        /* $PATH, or "": where a keyring's program is looked for */
    char *const *variables;  /* "NAME=VALUE", NULL at the end; NULL: none. See variables.h */
    bool is_service;         /* the system's accounts are its own: variables make one */
    bool has_session;        /* it runs in a desktop's or login's session, with a keyring */
};

struct caller_storage { /* what the caller's strings point to */
    struct str name, full_name, home, config_home, state_home, user;
};

void caller_clear(struct caller_storage *storage);

/* Appends the path of the file of a secret: NAME, or, without a slash in it, the one of that name
 * among the caller's credentials. Nothing for "". */
void caller_secret_path(struct str *out, const struct caller *caller, const char *name);

/* True if this process can read the caller's secret NAME, or it is "". */
bool caller_can_read(const struct caller *caller, const char *name);

#endif
