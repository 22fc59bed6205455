/* One configuration file in INI form: its accounts with defaults and inheritance applied, its
 * providers, the sections that belong to its scope. */
#ifndef CONFIGFILE_H
#define CONFIGFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/str.h"
#include "config/account.h"
#include "config/configuration.h"

struct configfile {
    const char *path; /* for messages */
    enum account_scope scope;
    const char *home;                 /* for ~/ in paths, "" for none */
    struct provider_table *providers; /* takes [provider NAME] */
    struct queue_settings *queue;     /* takes [queue]: holds the fallbacks before */
    struct service_settings *service; /* takes [service]; NULL: it is not allowed here */
    struct account **account;         /* filled: in the order of the file */
    size_t n;
    size_t size;
    int secret_line; /* of a literal password, 0 if there is none */
};

/* Reads TEXT. On failure ("PATH:LINE: ...", EX_CONFIG) the file holds what was read so far. */
bool configfile_read(struct configfile *file, const struct str *text, struct error *err);

/* Adds ACCOUNT, which the file owns from now on, and notes its file and LINE. Returns it. */
struct account *configfile_add(struct configfile *file, struct account *account, int line);

/* The account of that name, NULL if there is none. */
struct account *configfile_find(const struct configfile *file, const char *name);

/* Frees the accounts that are still there. */
void configfile_clear(struct configfile *file);

#endif
