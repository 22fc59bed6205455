/* All that was configured: the accounts of the user's scope and of the system's, providers, and the
 * sections that belong to a scope. */
#ifndef CONFIGURATION_H
#define CONFIGURATION_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/str.h"
#include "config/account.h"
#include "config/caller.h"
#include "config/provider.h"

struct configfile;

/* Where things are, and what reads an msmtprc: compiled in, handed down from main(). */
struct paths {
    const char *bindir;     /* /usr/bin */
    const char *sysconfdir; /* /etc */
    const char *pkgdatadir; /* /usr/share/onehop */
    const char *statedir;   /* /var/spool/onehop */
    const char *rundir;     /* /run/onehop */
    /* msmtprc_load() of compat/msmtprc.h, or one that says EX_UNAVAILABLE of every file. */
    bool (*read_msmtprc)(struct configfile *file, const struct str *text, const struct stat *facts,
                         uid_t uid, struct error *err);
    const char *localedir;     /* /usr/share/locale, "" for texts in English */
    const char *tokendir;      /* /var/lib/onehop */
    const char *token_program; /* /usr/libexec/onehop/onehop-token */
    const char *secretsdir;    /* /run/secrets, where container runtimes put them */
};

struct queue_settings {
    struct key_set set;
    char *directory; /* "" means the scope's default */
    int64_t lifetime;
    char *bounce_to;
    int64_t delay_warning; /* milliseconds; 0: none */
    char *alert_command;   /* for /bin/sh -c; "" for none */
};

struct service_settings { /* of the system's scope */
    struct key_set set;
    struct strlist listen; /* "127.0.0.1:25", in addition to the socket: see listen.h */
    int listen_line;       /* of the file where it is said, 0 if it is not */
    struct strlist allow_networks;
    char *tls_cert_file, *tls_key_file, *tls_client_ca_file, *users_file;
    long messages_per_hour;  /* from one user; root may send more */
    int64_t octets_per_hour; /* from one user, root apart */
    long connections_per_user;
    long connections;   /* of everybody */
    int64_t size;       /* octets of a message */
    int64_t idle;       /* milliseconds until a service that a socket woke ends; 0: never */
    char *metrics_file; /* see ctl/metrics.h; "" for none */
};

struct found_file {        /* what became of a scope's file */
    char *path;            /* where it was looked for, "" for nowhere */
    bool exists;           /* it was read */
    int number;            /* errno of opening it, 0: it was opened */
    struct error *failure; /* why it is passed over; else NULL */
};

struct configuration {
    const struct account **account; /* the user's first, each scope in file order; a user's account
                                 hides a system account of the same name */
    size_t n;
    size_t size;
    struct provider_table providers;
    struct queue_settings queue[SCOPES]; /* by enum account_scope */
    struct service_settings service;
    struct found_file found[SCOPES]; /* by enum account_scope */
    struct str files;                /* the files that were read, one a line, the user's first */
};

#define SERVICE_USER "onehop" /* owns the system's spool and passwords */

enum { CONFIGURATION_FILE_MAX = 1024 * 1024 }; /* octets of one file */

/* Reads both scopes. In each an INI file (onehop/onehop.ini) with at least one account beats an
 * msmtprc (SYSCONFDIR/msmtprc; ~/.msmtprc, or msmtp/config in config_home), and the other way
 * round for a caller as_msmtp. EXPLICIT ("-C") replaces the user's files if not NULL, and its
 * content says which kind it is. A file that does not exist is no error (but an explicit one
 * is: EX_CONFIG); any other failure is, with FILE:LINE, except for a system msmtprc that may not
 * be read while the user has accounts. INI files: secrets in a file that others can read are an
 * error naming the mode and the chmod that mends it. A password in the file itself wants it
 * closed: to all but its owner in the user's scope, to all but owner and group in the system's,
 * unless its file system is read-only. A user's file of either kind that belongs to neither the
 * caller nor root, or that others can write to, is an error. Secrets in an msmtprc: msmtp's rules,
 * which look at the user's file only, and not for root. Where no file has an account, and none is
 * EXPLICIT, the caller's variables may describe one. Providers are completed, [defaults] and
 * inherit applied: every account is ready to use or to be complained of when it is chosen. */
bool configuration_read(struct configuration *config, const struct paths *paths,
                        const struct caller *caller, const char *explicit_file, struct error *err);

/* Appends what the files that configuration_read() would look at are now (device, inode, size, time
 * of change): the text is another one after any of them was written, replaced, made or removed. */
void configuration_look(struct str *out, const struct paths *paths, const struct caller *caller);

/* Appends what the file PATH is now, in the same form. */
void configuration_look_at(struct str *out, const char *path);

/* Makes CONFIG, zeroed memory, one without accounts in which every setting has its fallback. */
void configuration_empty(struct configuration *config);

/* By name, as -a does; NULL if there is none. */
const struct account *configuration_account(const struct configuration *config, const char *name);

/* The account of a scope that has just this one, else NULL. */
const struct account *configuration_sole(const struct configuration *config,
                                         enum account_scope scope);

/* Adds an account that no file describes: msmtp's defaults, HOST and, unless "", FROM. NULL,
 * EX_CONFIG, if these are no values. */
const struct account *configuration_describe(struct configuration *config, const char *host,
                                             const char *from, struct error *err);

/* Wipes the passwords of the accounts, whose lengths stay: for a process that reads what others
 * write and logs in nowhere. */
void configuration_wipe_passwords(const struct configuration *config);

void configuration_clear(struct configuration *config);

#endif
